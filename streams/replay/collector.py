"""The garbage collector during long runs: state is large and holds no cycles, so walking it again and again is wasted."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 100_000


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Freeze what is there and let only rare, cheap collections run; restored at the end."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 50, 1_000_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
