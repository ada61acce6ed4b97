"""Keeps what was read until its other direction has come, in bounded memory: beyond a limit on disk, in parts."""

from collections.abc import Iterator
from struct import Struct
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

Records = npt.NDArray[np.void]

#: point (number), quarter-hour since 1970, line, energy [Wh], how many quarter-hours, 1 = export, quality (code).
RECORD = np.dtype(
    [("point", "<u4"), ("quarter", "<u4"), ("line", "<u4"), ("wh", "<u4"), ("quarters", "u1"), ("export", "u1"),
     ("quality", "u1")]
)  # fmt: skip
_PACK = Struct("<IIIIBBB").pack
#: About 400,000 records; a day of 2,000 points stays in memory.
_FULL_BYTES = 8 << 20
_PARTS = 256
#: Quarter-hours that stay together, of all points: each interval is then stored, and noted as changed, once.
_TOGETHER = 4


class Shelf:
    """Takes records in any order; `parts` gives them back so that all of a point and time are in one part."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._file: Any = None
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, point: int, quarter: int, line: int, wh: int, quarters: int, export: bool, quality: int) -> None:
        """One record."""
        self._buffer += _PACK(point, quarter, line, wh, quarters, export, quality)
        if len(self._buffer) >= _FULL_BYTES:
            self._put_away()

    def parts(self) -> Iterator[Records]:
        """What was added, part by part; the same records in the same order give the same parts."""
        if self._file is None:
            yield np.frombuffer(bytes(self._buffer), RECORD)
            return
        self._put_away()
        for places in self._places:
            chunks = []
            for begin, size in places:
                self._file.seek(begin)
                chunks.append(self._file.read(size))
            yield np.frombuffer(b"".join(chunks), RECORD)

    def _put_away(self) -> None:
        records = np.frombuffer(bytes(self._buffer), RECORD)
        self._buffer.clear()
        if self._file is None:
            self._file = TemporaryFile()
        part = records["quarter"] // _TOGETHER % _PARTS
        order = np.argsort(part, kind="stable")
        bounds = np.searchsorted(part[order], np.arange(_PARTS + 1))
        begin = self._file.seek(0, 2)
        self._file.write(records[order].tobytes())
        for number, places in enumerate(self._places):
            size = int(bounds[number + 1] - bounds[number]) * RECORD.itemsize
            if size:
                places.append((begin + int(bounds[number]) * RECORD.itemsize, size))
