"""Reading the truth of a labelled stream: the scenarios that the generator wrote, or the labels of any set."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

import msgspec

from streams.errors import UsageError
from streams.replay.generator.output import SCENARIOS
from streams.replay.generator.story import ANY_RULE, Role, Scenario


def read_truth(labels: Path) -> list[Scenario]:
    """Read the truth for a labels file: the scenarios.json beside it if there is one, else the labels alone.

    Labels alone tell neither rule nor subject: any rule that cites an instance's events finds it, and an instance whose
    events are all NORMAL is a near miss. ``labels`` may be a scenarios.json itself. Raises ``UsageError``.
    """
    if labels.suffix == ".json":
        return read_scenarios(labels)
    beside = labels.with_name(SCENARIOS)
    return read_scenarios(beside) if beside.is_file() else read_labels(labels)


def read_scenarios(path: Path) -> list[Scenario]:
    """Read ``scenarios.json``; raises ``UsageError`` when the file is missing or is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Scenario])
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; name the scenarios.json that payweir generate wrote"
        raise UsageError(message) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not a scenarios.json of payweir generate: {error}"
        raise UsageError(message) from error


def read_labels(path: Path) -> list[Scenario]:
    """Read a labels file of ``payweir generate`` or ``payweir convert``, or one that calls its instances ``instance_id``.

    It may be packed (``.gz``), and without a column of roles every label is fraud. Raises ``UsageError`` as above.
    """
    events: dict[str, list[str]] = {}
    typologies: dict[str, str] = {}
    ordinary: dict[str, bool] = {}
    for row in _rows(path):
        name = row["scenario_id"]
        events.setdefault(name, []).append(row["event_id"])
        typologies[name] = row["typology"]
        ordinary[name] = ordinary.get(name, True) and row["role"] == Role.NORMAL
    return [
        Scenario(name, typologies[name], ANY_RULE, ordinary[name], "", "", "", "", tuple(its))
        for name, its in events.items()
    ]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8", newline="") as file
        ):
            reader = csv.DictReader(file)
            there = set(reader.fieldnames or ())
            name = "instance_id" if "instance_id" in there else "scenario_id"
            wanted = {"event_id", name, "typology"} | ({"role"} if name == "scenario_id" else set())
            if not wanted <= there:
                message = f"{path} has no columns {', '.join(sorted(wanted))}; name a labels.csv of payweir generate or convert"
                raise UsageError(message)
            for row in reader:
                texts = {column: row[column] or "" for column in wanted}
                yield {"role": "", **texts, "scenario_id": texts[name]}
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"cannot read {path}: {reason}; name the labels.csv of payweir generate or convert"
        raise UsageError(message) from error
    except (csv.Error, UnicodeDecodeError) as error:
        message = f"{path} is not a labels file of payweir generate or convert: {error}"
        raise UsageError(message) from error
