"""An empty agent of unaltered Faust, for comparing costs: ``python -m tests.rig.plain_agent BOOTSTRAP TOPIC,... COUNT``.

Prints CPU seconds and seconds of wall clock from the first to the last of COUNT messages and ends.
"""

import os
import sys
import tempfile
import time
from typing import Any

import faust


def main() -> None:
    """Run until the count is reached."""
    bootstrap, topics, count = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
    app = faust.App(
        f"plain-{os.getpid()}",
        broker=f"kafka://{bootstrap}",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        datadir=tempfile.gettempdir(),
        broker_max_poll_records=1000,
    )
    source = app.topic(*topics, key_serializer="raw", value_serializer="raw")

    async def read(stream: Any) -> None:  # noqa: ANN401 - Faust's own type says nothing either
        seen, cpu, wall = 0, 0.0, 0.0
        async for _ in stream:
            if not seen:
                cpu, wall = time.process_time(), time.perf_counter()
            seen += 1
            if seen == count:
                sys.stdout.write(f"{time.process_time() - cpu} {time.perf_counter() - wall}\n")
                sys.stdout.flush()
                os._exit(0)

    app.agent(source)(read)
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
