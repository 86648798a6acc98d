"""An activity log as bytes, made once by the pipeline itself, so that several workers can fold the same one."""

from collections import deque
from collections.abc import Iterable, Mapping

from streams.detection.program import Programs
from streams.legs import FORMAT_VERSION, Control, Packed, pack, unpack
from streams.pipeline import Intake, PartitionState, RawRecord, SourceState, step


def activity_log(programs: Programs, records: Iterable[tuple[SourceState, list[RawRecord]]]) -> list[bytes]:
    """Give the log of one partition: rulesets, sources, legs of every chunk, and all marks that follow."""
    rulesets = {programs.ruleset.digest: programs}
    log: list[bytes] = []
    state = PartitionState(lateness_ms=Intake().lateness_ms)
    intake = Intake(kinds=programs.kinds)

    def append(record: Packed) -> None:
        queue = deque([record])
        while queue:
            log.append(pack(queue.popleft()))
            marks = step(state, unpack(log[-1]), rulesets).marks
            if marks:
                queue.append(Packed(FORMAT_VERSION, "detect/0", [], marks, {}))

    append(Packed(FORMAT_VERSION, "test", [], [], {}, Control("ruleset", programs.ruleset.digest, 0)))
    for source, chunk in records:
        taken = intake.take(source, chunk)
        append(Packed(FORMAT_VERSION, source.name, taken.legs.get(0, []), [], {source.name: source.watermark}))
    return log


def fold(
    state: PartitionState, log: list[bytes], rulesets: Mapping[str, Programs], upto: int
) -> list[tuple[int, object]]:
    """Move a state over the log up to an offset; gives every outcome and mark with the offset it came from."""
    told: list[tuple[int, object]] = []
    while state.next_offset < upto:
        at = state.next_offset
        out = step(state, unpack(log[at]), rulesets)
        told += [(at, each) for each in (*out.outcomes, *out.marks)]
    return told
