"""Rows of a large query, handed out in parts, so that memory does not grow with them."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

#: Fetched at once: the driver's own hundred cost more in journeys than in rows.
ROWS = 2000


class Stream:
    """Rows of a query that starts with the span, handed out span by span through a server-side cursor."""

    def __init__(self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        self._cursor = connection.chunked_cursor()
        self._cursor.cursor.itersize = ROWS
        self._cursor.execute(sql, params)
        self._groups = groupby(self._cursor, key=itemgetter(0))
        self._next = next(self._groups, None)

    def take(self, span: int) -> list[tuple[Any, ...]]:
        """The rows of this span without its number; asked for in ascending order."""
        if self._next is None or self._next[0] != span:
            return []
        rows = [row[1:] for row in self._next[1]]
        self._next = next(self._groups, None)
        return rows

    def close(self) -> None:
        self._cursor.close()
