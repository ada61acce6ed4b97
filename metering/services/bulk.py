"""Stores whole files of readings: COPY into a temporary table, set-based checks, one INSERT."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, BinaryIO

import psycopg
from django.db import connection

from metering.domain.calendar import CalendarError, is_aligned, parse_instant
from metering.domain.readings import COLUMNS, MAX_WH, QUALITY_CODE, ReadingFault, ReadingsRefused, Stored
from metering.selectors.points import PointSpans, point_spans
from metering.services.inputs import touch_intervals
from metering.services.readings import INSERT, lock_readings, store_changed
from participants.models import Cluster

#: Shows how far a step of known length is: `with progress("text", total) as advance: advance(n)`.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]

_CHUNK_BYTES = 1 << 18
_STEPS = 20
_MOST_FAULTS = 20
#: By code, from 1.
_QUALITIES = list(QUALITY_CODE)
_STAGE = """
CREATE TEMPORARY TABLE load_reading (
    metering_point text COLLATE "C" NOT NULL, interval_start text COLLATE "C" NOT NULL,
    imported_wh int NOT NULL, exported_wh int NOT NULL,
    quality text NOT NULL, source smallint NOT NULL) ON COMMIT DROP
"""
# Small analysed tables rather than unnest(): the planner would hash the readings instead of these.
_LOOKUPS = """
CREATE TEMPORARY TABLE load_point ON COMMIT DROP AS
    SELECT * FROM unnest(%(codes)s::text[], %(ids)s::bigint[]) AS u(code, id);
CREATE TEMPORARY TABLE load_start ON COMMIT DROP AS
    SELECT * FROM unnest(%(texts)s::text[], %(starts)s::timestamptz[]) AS u(text, at);
ANALYZE load_point;
ANALYZE load_start
"""
_INCOMING = """
SELECT p.id AS metering_point_id, s.at AS interval_start, r.imported_wh, r.exported_wh,
       array_position(%(qualities)s::text[], r.quality)::smallint AS quality
FROM load_reading r
JOIN load_point p ON p.code = r.metering_point
JOIN load_start s ON s.text = r.interval_start
"""
_ANY_STORED = """
SELECT EXISTS (SELECT FROM metering_reading WHERE cluster_id = %s AND metering_point_id = ANY(%s)
               AND interval_start >= %s AND interval_start <= %s)
"""
# COPY fills an empty table from front to back, so the rows of a file up to `ctid` are its lines up to that one.
_LINES = """
SELECT f.source, 1 + (SELECT count(*) FROM load_reading r WHERE r.source = f.source AND r.ctid <= f.ctid), f.value
FROM (SELECT ctid, source, ({value})::text AS value FROM load_reading WHERE {where} ORDER BY ctid LIMIT {limit}) f
ORDER BY 1, 2
"""
#: Every time, metering point and quality that occurs, and the least energy, in one pass.
_DISTINCT = """
SELECT interval_start, metering_point, quality, min(imported_wh), min(exported_wh)
FROM load_reading GROUP BY GROUPING SETS ((interval_start), (metering_point), (quality))
"""
_DUPLICATES = """
SELECT max(ctid) FROM load_reading GROUP BY metering_point, interval_start HAVING count(*) > 1 ORDER BY 1 LIMIT {limit}
"""


@dataclass(frozen=True, slots=True)
class ReadingFile:
    """A CSV file of readings with header; `columns` in its own order, `size` in bytes once unpacked."""

    name: str
    columns: tuple[str, ...]
    size: int
    open: Callable[[], BinaryIO]


@contextmanager
def silent(_text: str, _total: int) -> Iterator[Callable[[int], object]]:
    """A `Progress` that shows nothing."""
    yield lambda _amount: None


def store_reading_files(cluster: Cluster, files: Sequence[ReadingFile], progress: Progress = silent) -> Stored:
    """Store the files, all of them or nothing, inside the caller's scope and transaction.

    The months' partitions must exist. Raises ReadingsRefused naming file, line and column of bad readings.
    """
    if not files:
        return Stored(0, 0, 0)
    lock_readings(cluster)
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        _copy(cursor, files, progress)
        spans = point_spans(cluster)
        starts = _checked(cursor, files, spans)
        stored = _store(cursor, cluster, files, spans, starts, progress) if starts else Stored(0, 0, 0)
        cursor.execute("DROP TABLE IF EXISTS load_reading, load_point, load_start")
    return stored


def _store(
    cursor: Any,
    cluster: Cluster,
    files: Sequence[ReadingFile],
    spans: PointSpans,
    starts: dict[str, datetime],
    progress: Progress,
) -> Stored:
    """Into the table, once every single reading was found right."""
    cursor.execute("SELECT count(*) FROM load_reading")
    count: int = cursor.fetchone()[0]
    ids = [point.id for point in spans.values()]
    instants = list(starts.values())
    for statement in _LOOKUPS.split(";"):
        cursor.execute(statement, {"codes": list(spans), "ids": ids, "texts": list(starts), "starts": instants})
    cursor.execute(_ANY_STORED, [cluster.pk, ids, min(instants), max(instants)])
    if not cursor.fetchone()[0]:
        _insert_all(cursor, cluster, files, count, progress)
        touch_intervals(cluster.pk, instants)
        return Stored(count, 0, 0)
    _refuse_duplicates(cursor, files)
    with progress("Comparing readings", count) as advance:
        stored = store_changed(cluster, _INCOMING, {"qualities": _QUALITIES}, ids, instants, count)
        advance(count)
    return stored


def _copy(cursor: Any, files: Sequence[ReadingFile], progress: Progress) -> None:
    """The files' bytes, untouched; PostgreSQL tells the line of what is no CSV or no whole number."""
    with progress("Reading files", sum(file.size for file in files)) as advance:
        for number, file in enumerate(files):
            cursor.execute(f"ALTER TABLE load_reading ALTER COLUMN source SET DEFAULT {number:d}")
            columns = ", ".join(column for column in file.columns if column in COLUMNS)
            try:
                with (
                    file.open() as stream,
                    cursor.copy(
                        f"COPY load_reading ({columns}) FROM STDIN (FORMAT csv, HEADER, ENCODING utf8)"
                    ) as copy,
                ):
                    while chunk := stream.read(_CHUNK_BYTES):
                        copy.write(chunk)
                        advance(len(chunk))
            except psycopg.Error as error:
                raise ReadingsRefused((_copy_fault(file, error),)) from error


def _copy_fault(file: ReadingFile, error: psycopg.Error) -> ReadingFault:
    place = re.search(r"line (\d+)(?:, column (\w+))?", error.diag.context or "")
    column = (place[2] if place else None) or error.diag.column_name or ""
    text = error.diag.message_primary or str(error)
    if column in ("imported_wh", "exported_wh"):
        text = f"there is no whole number of watt-hours from 0 to {MAX_WH}"
    return ReadingFault(file.name, int(place[1]) if place else 0, column, text)


def _checked(cursor: Any, files: Sequence[ReadingFile], spans: PointSpans) -> dict[str, datetime]:
    """The instants of the files by their text; refuses everything that a single reading can have wrong."""
    faults: list[ReadingFault] = []

    def refuse(column: str, where: str, values: list[Any], text: str) -> None:
        cursor.execute(_LINES.format(value=column, where=where, limit=_MOST_FAULTS), values)
        faults.extend(
            ReadingFault(files[source].name, line, column, text.format(value))
            for source, line, value in cursor.fetchall()
        )

    cursor.execute(_DISTINCT)
    rows = cursor.fetchall()
    starts, codes, qualities = ([row[place] for row in rows if row[place] is not None] for place in range(3))
    for column, found, known, text in (
        ("interval_start", starts, _is_start, "'{}' is no UTC start of a quarter-hour, as in 2026-05-31T22:00:00Z"),
        ("metering_point", codes, spans.__contains__, "the metering point '{}' is unknown; add it or correct it"),
        ("quality", qualities, QUALITY_CODE.__contains__, f"'{{}}' is not one of {', '.join(QUALITY_CODE)}"),
    ):
        bad = [value for value in found if not known(value)]
        if bad:
            refuse(column, f"{column} = ANY(%s)", [bad], text)
    for place, column in ((3, "imported_wh"), (4, "exported_wh")):
        if any(row[place] < 0 for row in rows):
            refuse(column, f"{column} < 0", [], "{} is negative; energy is counted from 0")
    instants = {text: parse_instant(text) for text in starts if _is_start(text)}
    if rows and not faults:
        first, last = min(instants.values()), max(instants.values())
        for code in codes:
            if not spans[code].covers_all(first, last):
                outside = [text for text, at in instants.items() if not spans[code].covers(at)]
                where = "metering_point = %s AND interval_start = ANY(%s)"
                text = f"at {{}} {code} is not in the cluster; correct its dates"
                refuse("interval_start", where, [code, outside], text)
    if faults:
        raise ReadingsRefused(tuple(faults))
    return instants


def _is_start(text: str) -> bool:
    try:
        return is_aligned(parse_instant(text))
    except CalendarError:
        return False


def _refuse_duplicates(cursor: Any, files: Sequence[ReadingFile]) -> None:
    cursor.execute(_DUPLICATES.format(limit=_MOST_FAULTS))
    places = [place for (place,) in cursor.fetchall()]
    if places:
        value = "metering_point || ' at ' || interval_start"
        cursor.execute(_LINES.format(value=value, where="ctid = ANY(%s::tid[])", limit=_MOST_FAULTS), [places])
        raise ReadingsRefused(
            tuple(
                ReadingFault(files[source].name, line, "interval_start", f"a second reading of {what}; remove one")
                for source, line, what in cursor.fetchall()
            )
        )


def _insert_all(
    cursor: Any,
    cluster: Cluster,
    files: Sequence[ReadingFile],
    count: int,
    progress: Progress,
) -> None:
    """Nothing is stored for these points and times yet: everything is version 1, and the key tells duplicates."""
    cursor.execute("SELECT pg_relation_size('load_reading') / current_setting('block_size')::int")
    pages = cursor.fetchone()[0]
    edges = sorted({pages * step // _STEPS for step in range(_STEPS)} | {pages})
    statement = (
        f"{INSERT} SELECT %(cluster)s, metering_point_id, interval_start, 1, imported_wh, exported_wh, quality "
        f"FROM ({_INCOMING} WHERE r.ctid >= %(from)s::tid AND r.ctid < %(to)s::tid) incoming"
    )
    cursor.execute("SAVEPOINT load_reading")
    try:
        with progress("Storing readings", count) as advance:
            for first, end in pairwise(edges):
                here = {"cluster": cluster.pk, "from": f"({first},0)", "to": f"({end},0)"}
                cursor.execute(statement, here | {"qualities": _QUALITIES})
                advance(cursor.rowcount)
    except Exception:
        cursor.execute("ROLLBACK TO SAVEPOINT load_reading")
        _refuse_duplicates(cursor, files)
        raise
