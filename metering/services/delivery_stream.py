"""A kept file as a stream: a chunk at a time, so that memory does not grow with it."""

import io
from collections.abc import Callable
from typing import Any

from metering.models import DeliveryChunk
from participants.tenancy.scope import scope


class _Chunks(io.RawIOBase):
    def __init__(self, cluster_id: int, delivery_id: int, heard: Callable[[int], None]) -> None:
        self._where = {"cluster": cluster_id, "delivery": delivery_id}
        self._heard = heard
        self._number = self._read = 0
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            with scope(self._where["cluster"]):
                found = DeliveryChunk.objects.filter(**self._where, number=self._number).first()
            if found is None:
                return 0
            self._rest = memoryview(found.content)
            self._number += 1
            self._read += len(self._rest)
            self._heard(self._read)
        data = self._rest[: len(buffer)]
        buffer[: len(data)] = data
        self._rest = self._rest[len(data) :]
        return len(data)


def open_delivery(cluster_id: int, delivery_id: int, heard: Callable[[int], None]) -> io.BufferedReader:
    """The file's bytes, from its beginning; `heard` is told how many were read so far. Opens short scopes."""
    return io.BufferedReader(_Chunks(cluster_id, delivery_id, heard))
