"""The wall clock, for the rim only: stamps that stand outside identity and equality, and idle sources."""

from time import time_ns


def now_ms() -> int:
    """Give milliseconds since the epoch."""
    return time_ns() // 1_000_000
