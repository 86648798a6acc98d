"""The pipeline: records to legs (``intake``) and the whole path of one log record (``step``), both without I/O."""

from streams.pipeline.intake import Intake, RawRecord, SourceState, Taken
from streams.pipeline.partition import END, PartitionState
from streams.pipeline.step import WHOLE, Outputs, step

__all__ = ["END", "WHOLE", "Intake", "Outputs", "PartitionState", "RawRecord", "SourceState", "Taken", "step"]
