"""An empty agent of unaltered Faust, for comparing costs: ``python -m tests.rig.plain_agent BOOTSTRAP TOPIC COUNT``.

Prints CPU seconds from the first to the last of COUNT messages and ends.
"""

import os
import sys
import tempfile
import time
from typing import Any

import faust


def main() -> None:
    """Run until the count is reached."""
    bootstrap, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    app = faust.App(
        f"plain-{os.getpid()}",
        broker=f"kafka://{bootstrap}",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        datadir=tempfile.gettempdir(),
        broker_max_poll_records=1000,
    )
    source = app.topic(topic, key_serializer="raw", value_serializer="raw")

    async def read(stream: Any) -> None:  # noqa: ANN401 - Faust's own type says nothing either
        seen, first = 0, 0.0
        async for _ in stream:
            first = first or time.process_time()
            seen += 1
            if seen == count:
                sys.stdout.write(f"CPU {time.process_time() - first}\n")
                sys.stdout.flush()
                os._exit(0)

    app.agent(source)(read)
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
