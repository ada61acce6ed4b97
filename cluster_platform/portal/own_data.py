"""All that is stored about a participant as a ZIP of CSV and JSON files, made while it is sent.

PostgreSQL formats the rows and they pass through one at a time, so memory stays flat whatever the years.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

from django.db import connection

from cluster_platform.portal.energy import OwnPoints
from cluster_platform.portal.own_tables import FILES, PARTNERS, TABLES, TRADES
from cluster_platform.portal.pseudonyms import pseudonyms
from metering.domain.calendar import local_midnight, next_month
from participants.models import Cluster, Participant, User
from participants.tenancy.scope import scope

BLOCK = 64 * 1024
Format = Literal["csv", "json"]


@dataclass(frozen=True)
class Owner:
    """Whose data are asked for, and with which login."""

    cluster: Cluster
    participant: Participant
    user: User
    own: OwnPoints
    tz: ZoneInfo

    @property
    def parameters(self) -> dict[str, Any]:
        points, starts, ends = self.own.columns
        return {
            "cluster": self.cluster.pk,
            "participant": self.participant.pk,
            "user": self.user.pk,
            "points": points,
            "starts": starts,
            "ends": ends,
            "tz": self.tz.key,
        }


def own_data_zip(owner: Owner, readme: str) -> Iterator[bytes]:
    """The archive in pieces. Opens the scope by itself: it is sent when the request's own is closed."""
    sink = _Sink()
    with scope(owner.cluster.pk), ZipFile(sink, "w", ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", readme)
        for name in [*TABLES, "trades"]:
            for format in ("csv", "json"):
                with archive.open(f"{name}.{format}", "w", force_zip64=True) as file:
                    for piece in _formatted(_rows(owner, name, format), format):
                        file.write(piece)
                        if sink.size >= BLOCK:
                            yield sink.take()
        with connection.cursor() as cursor:
            for name, content in cursor.stream(FILES, owner.parameters):
                archive.writestr(name, content)
                yield sink.take()
    yield sink.take()


class _Sink:
    """A file that can only be written to, and emptied."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def size(self) -> int:
        return len(self._buffer)

    def write(self, data: bytes, /) -> int:
        self._buffer += data
        return len(data)

    def flush(self) -> None:
        """Everything is in the buffer at once."""

    def close(self) -> None:
        """What is in the buffer is still to be sent."""

    def take(self) -> bytes:
        taken = bytes(self._buffer)
        self._buffer.clear()
        return taken


def _formatted(rows: Iterator[bytes], format: str) -> Iterator[bytes]:
    """CSV rows as they are; JSON rows as the elements of one list."""
    if format == "csv":
        yield from rows
        return
    before = b"[\n"
    for row in rows:
        yield before + row
        before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"


def _rows(owner: Owner, name: str, format: str) -> Iterator[bytes]:
    if name != "trades":
        yield from _copied(TABLES[name], owner.parameters, format)
        return
    header = True
    for month in _months(owner):
        yield from _copied(TRADES, owner.parameters | _month_of_names(owner, month), format, header)
        header = False


def _copied(query: str, parameters: dict[str, Any], format: str, header: bool = True) -> Iterator[bytes]:
    """One row a time, as PostgreSQL sends them."""
    if format == "csv":
        copy = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER {str(header).lower()})"
    else:
        copy = f"COPY (SELECT to_json(row) FROM ({query}) AS row) TO STDOUT"
    with connection.cursor() as cursor, cursor.copy(copy, parameters) as rows:
        for row in rows:
            # The text format of COPY doubles the backslashes, and JSON has nothing else that it would change.
            yield bytes(row) if format == "csv" else bytes(row).rstrip(b"\n").replace(b"\\\\", b"\\")


def _months(owner: Owner) -> list[date]:
    """The local months in which the participant's points have positions; the current names need one at least."""
    sql = """
    SELECT DISTINCT date_trunc('month', p.interval_start AT TIME ZONE %(tz)s)::date
    FROM clearing_position p
    JOIN unnest(%(points)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS own(point, starts, ends)
      ON p.metering_point_id = own.point AND p.interval_start >= own.starts AND p.interval_start < own.ends
    WHERE p.cluster_id = %(cluster)s ORDER BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, owner.parameters)
        return [month for (month,) in cursor.fetchall()] or [date(2000, 1, 1)]


def _month_of_names(owner: Owner, month: date) -> dict[str, Any]:
    """The bounds of a month, and the name of each neighbour on each day on which the participant traded with it."""
    bounds = {"month_start": local_midnight(month, owner.tz), "month_end": local_midnight(next_month(month), owner.tz)}
    with connection.cursor() as cursor:
        cursor.execute(PARTNERS, owner.parameters | bounds)
        partners = cursor.fetchall()
    names = {day: pseudonyms(owner.cluster.pk, day) for day in {day for day, _ in partners}}
    return bounds | {
        "days": [day for day, _ in partners],
        "others": [other for _, other in partners],
        "names": [names[day][other] for day, other in partners],
    }
