"""Payweir: fraud detection on streams of payments and settlements.

The package is layered as the data flows; `pyproject.toml` (import-linter) holds the order and `streams/README.md` the
reasons. Everything between bytes and alert (`events` to `pipeline`) is pure; brokers, databases, clocks and metrics
stand at the rim.
"""

from typing import Final

__version__: Final = "0.1.0"
