"""Sends records on a schedule: ``python -m tests.bench.sender BOOTSTRAP FILE RATE``; line n is due n / RATE after the beginning.

It is connected when it prints ``ready``, and then reads the beginning from its standard input: a moment of the monotonic
clock, which all processes of a machine share. A sender that is behind sends at once and does not slow the schedule (open
loop). After the last acknowledgement it prints its greatest lateness in seconds.
"""

import sys
import time
from pathlib import Path

from kafka import KafkaProducer

from streams.agents.feeding import route


def main() -> None:
    """Send every line."""
    bootstrap, file, rate = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    records = [(line, *route(line)[:2]) for line in file.read_bytes().splitlines()]
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    for topic in {topic for _, topic, _ in records}:
        producer.partitions_for(topic)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    begin, latest = float(sys.stdin.readline()), 0.0
    for number, (line, topic, key) in enumerate(records):
        due = begin + number / rate
        if (ahead := due - time.monotonic()) > 0:
            time.sleep(ahead)
        producer.send(topic, line, key)
        latest = max(latest, time.monotonic() - due)
    producer.flush()
    producer.close()
    sys.stdout.write(f"{latest}\n")


if __name__ == "__main__":
    main()
