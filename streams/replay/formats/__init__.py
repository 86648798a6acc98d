"""Files that users already have: public sets, and CSV or Parquet of their own by a mapping (manual: `schemas/files.md`).

One module per format. A table format is data, a ``Mapping``; `rows.py` reads them all.
"""

from streams.replay.formats.catalogue import FORMATS, Format, Reader, table
from streams.replay.formats.mappingfile import read_mapping
from streams.replay.formats.rows import Label, Told, payments

__all__ = ["FORMATS", "Format", "Label", "Reader", "Told", "payments", "read_mapping", "table"]
