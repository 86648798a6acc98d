"""Faults on the real parts, many in a row, against one oracle: `make chaos`."""
