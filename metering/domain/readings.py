"""What a reading is before it is stored, and why one is refused."""

from dataclasses import dataclass
from datetime import datetime

QUALITIES = ("measured", "split", "substituted", "estimated")
QUALITY_CODE = {name: code for code, name in enumerate(QUALITIES, start=1)}
MAX_WH = 2**31 - 1
COLUMNS = ("metering_point", "interval_start", "imported_wh", "exported_wh", "quality")
#: Each reading with the time at which its source issued it, written as interval_start is.
STAMPED_COLUMNS = (*COLUMNS, "issued_at")


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A delivered reading: `code` of the metering point, UTC start of the quarter-hour, energy [Wh]."""

    code: str
    interval_start: datetime
    imported_wh: int
    exported_wh: int
    quality: str


@dataclass(frozen=True, slots=True)
class ReadingFault:
    """Why a reading is refused. `source` names the file (empty outside of files); `line` counts from 1, a header
    included."""

    source: str
    line: int
    column: str
    text: str


class ReadingsRefused(ValueError):
    """Nothing of a delivery is stored; `faults` say why."""

    def __init__(self, faults: tuple[ReadingFault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(f"{fault.line} {fault.column}: {fault.text}" for fault in faults))
