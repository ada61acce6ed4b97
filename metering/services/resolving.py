"""Turns staged lines into readings of known points and times, and names what can't be one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from metering.domain.calendar import parse_instant
from metering.domain.readings import QUALITIES, STAMPED_COLUMNS, ReadingFault
from metering.domain.versions import version_of
from metering.services.refusals import Rules
from metering.services.staging import LineFaults

#: One row a reading that is right: whose `turn` it is among those of its quarter-hour, and whether the source itself
#: gave the `stamp` (a version).
INCOMING = """
CREATE TEMPORARY TABLE incoming (
    place tid, metering_point_id bigint, interval_start timestamptz, stamp int, stamped boolean, imported_wh int,
    exported_wh int, quality smallint, turn int) ON COMMIT DROP
"""
#: Every time, metering point and stamp that occurs, in one pass.
_DISTINCT = """
SELECT interval_start, metering_point, issued_at FROM staged
GROUP BY GROUPING SETS ((interval_start), (metering_point), (issued_at))
"""
# Small analysed tables rather than unnest(): the planner would hash the readings instead of these.
_LOOKUPS = """
CREATE TEMPORARY TABLE known_point ON COMMIT DROP AS
    SELECT * FROM unnest(%(codes)s::text[], %(ids)s::bigint[], %(from)s::timestamptz[], %(to)s::timestamptz[])
        AS u(code, id, starts, ends);
CREATE TEMPORARY TABLE known_start ON COMMIT DROP AS
    SELECT * FROM unnest(%(texts)s::text[], %(starts)s::timestamptz[]) AS u(text, at);
CREATE TEMPORARY TABLE known_stamp ON COMMIT DROP AS
    SELECT * FROM unnest(%(stamps)s::text[], %(versions)s::int[]) AS u(text, version);
ANALYZE known_point;
ANALYZE known_start;
ANALYZE known_stamp
"""
_RESOLVE = """
INSERT INTO incoming
SELECT r.ctid, p.id, s.at, coalesce(i.version, %(version)s), %(stamped)s OR i.version IS NOT NULL, r.imported_wh,
       r.exported_wh, array_position(%(qualities)s::text[], r.quality), 1
FROM staged r
JOIN known_start s ON s.text = r.interval_start
JOIN known_point p ON p.code = r.metering_point AND s.at >= p.starts AND s.at < p.ends
LEFT JOIN known_stamp i ON i.text = r.issued_at
WHERE r.imported_wh >= 0 AND r.exported_wh >= 0 AND r.quality = ANY(%(qualities)s::text[])
  AND (r.issued_at IS NULL OR i.text IS NOT NULL)
"""
_TWICE = """
CREATE TEMPORARY TABLE twice ON COMMIT DROP AS
SELECT metering_point_id, interval_start, stamp, min(place) AS first,
       (min(imported_wh), min(exported_wh), min(quality)) = (max(imported_wh), max(exported_wh), max(quality)) AS agree
FROM incoming GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
_THOSE = "(i.metering_point_id, i.interval_start, i.stamp) = (t.metering_point_id, t.interval_start, t.stamp)"
_TURNS = """
UPDATE incoming i SET turn = t.turn
FROM (SELECT place, row_number() OVER (PARTITION BY metering_point_id, interval_start ORDER BY stamp) AS turn
      FROM incoming WHERE turn > 0) t
WHERE i.place = t.place AND t.turn > 1
"""
_LEFT_OUT = f"""
SELECT source, line, {", ".join(STAMPED_COLUMNS)}
FROM (SELECT *, ctid AS place, row_number() OVER (PARTITION BY source ORDER BY ctid) AS line FROM staged) s
WHERE NOT EXISTS (SELECT FROM incoming i WHERE i.place = s.place)
ORDER BY place LIMIT %s
"""


def resolve(cursor: Any, rules: Rules, version: int, stamped: bool) -> list[datetime]:
    """Fill the table `incoming` with what is right in `staged`; returns the quarter-hours."""
    cursor.execute(_DISTINCT)
    rows = cursor.fetchall()
    starts = [start for start, _, _ in rows if start is not None and rules.start_fault(start) is None]
    codes = [code for _, code, _ in rows if code in rules.points]
    stamps = [stamp for _, _, stamp in rows if stamp is not None and rules.stamp_fault(stamp) is None]
    spans = [(code, rules.points[code].id, *span) for code in codes for span in rules.points[code].spans]
    columns = [list(column) for column in zip(*spans, strict=True)] or [[]] * 4
    known = dict(zip(("codes", "ids", "from", "to"), columns, strict=True)) | {
        "texts": starts,
        "starts": [parse_instant(start) for start in starts],
        "stamps": stamps,
        "versions": [version_of(parse_instant(stamp)) for stamp in stamps],
    }
    for statement in _LOOKUPS.split(";"):
        cursor.execute(statement, known)
    cursor.execute(_RESOLVE, {"version": version, "stamped": stamped, "qualities": list(QUALITIES)})
    cursor.execute("DROP TABLE known_point, known_start, known_stamp")
    return known["starts"]


def set_apart(cursor: Any, strict: bool) -> None:
    """Take out of `incoming` what is there twice, and give those of one quarter-hour their turns.

    Of readings that say the same the first counts, unless `strict`; of those that don't, none.
    """
    cursor.execute(_TWICE)
    if cursor.rowcount:
        if strict:
            cursor.execute(f"DELETE FROM incoming i USING twice t WHERE {_THOSE} AND i.place <> t.first")
        else:
            cursor.execute(f"DELETE FROM incoming i USING twice t WHERE {_THOSE} AND NOT t.agree")
            cursor.execute(f"UPDATE incoming i SET turn = 0 FROM twice t WHERE {_THOSE} AND i.place <> t.first")
    cursor.execute("DROP TABLE twice")
    cursor.execute("SELECT EXISTS (SELECT FROM incoming WHERE stamped)")
    if cursor.fetchone()[0]:
        cursor.execute(_TURNS)


def refusals(
    cursor: Any, rules: Rules, names: Sequence[str], line_faults: LineFaults, first_line: int, most: int
) -> tuple[tuple[ReadingFault, ...], int]:
    """The first `most` of the staged lines that did not get into `incoming`, with reasons, and how many there are."""
    cursor.execute("SELECT (SELECT count(*) FROM staged) - (SELECT count(*) FROM incoming)")
    count: int = cursor.fetchone()[0]
    if not count:
        return (), 0
    cursor.execute(_LEFT_OUT, [most])
    faults = []
    for source, line, *values in cursor.fetchall():
        row = dict(zip(STAMPED_COLUMNS, values, strict=True))
        column, text = line_faults.get(line) or rules.fault(row) or _twice(row)
        faults.append(ReadingFault(names[source], line - 1 + first_line, column, text))
    return tuple(faults), count


def _twice(row: dict[str, str]) -> tuple[str, str]:
    return "interval_start", f"a second reading of {row['metering_point']} at {row['interval_start']}; send one"
