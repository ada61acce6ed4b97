"""A first look at files of readings: their columns, size and months, before anything is stored."""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from contracts.dataset.csvfile import check_header, open_binary
from contracts.dataset.faults import Faults
from metering.domain.readings import COLUMNS

_MONTH = re.compile(rb",([12]\d{3})-(0[1-9]|1[0-2])-")
_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Survey:
    """A file of readings: columns in its order, bytes unpacked, first instants of the UTC months it speaks of."""

    path: Path
    columns: tuple[str, ...]
    size: int
    months: frozenset[datetime]

    @property
    def file(self) -> str:
        """The file's name."""
        return self.path.name

    def chunks(self) -> Iterator[bytes]:
        """The unpacked bytes, in parts."""
        with open_binary(self.path) as stream:
            yield from iter(partial(stream.read, _CHUNK_BYTES), b"")


def survey_readings(files: Sequence[Path]) -> tuple[Survey, ...]:
    """Reads every file once. Raises DatasetError for a wrong header or a broken file."""
    faults = Faults()
    surveys = []
    for path in files:
        try:
            surveys.append(_survey(path, faults))
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            faults.add(path.name, 0, "", f"the file can't be read: {error}")
    faults.check()
    return tuple(surveys)


def _survey(path: Path, faults: Faults) -> Survey:
    months: set[tuple[bytes, bytes]] = set()
    with open_binary(path) as stream:
        header = stream.readline()
        columns = tuple(header.decode("utf-8").rstrip("\r\n").split(","))
        check_header(columns, COLUMNS, path.name, faults)
        size = len(header)
        rest = b""
        for chunk in iter(partial(stream.read, _CHUNK_BYTES), b""):
            months.update(_MONTH.findall(rest + chunk))
            rest = chunk[-10:]
            size += len(chunk)
    found = frozenset(datetime(int(year), int(month), 1, tzinfo=UTC) for year, month in months)
    return Survey(path, columns, size, found)
