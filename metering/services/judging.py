"""Decides what each incoming reading is beside the stored ones, and stores what is news."""

from datetime import datetime
from typing import Any

from metering.domain.readings import QUALITY_CODE
from metering.domain.versions import FIRST_DELIVERED
from metering.services.inputs import touch_intervals

ACCEPTED, REPLACED, UNCHANGED, SUPERSEDED, REFUSED = "arusx"
INSERT = """
INSERT INTO metering_reading
    (cluster_id, metering_point_id, interval_start, version, imported_wh, exported_wh, quality)
"""
JUDGED = """
CREATE TEMPORARY TABLE judged (
    place tid, metering_point_id bigint, interval_start timestamptz, version int, imported_wh int, exported_wh int,
    quality smallint, letter "char") ON COMMIT DROP
"""
# `held` is the highest version of the quarter-hour. A reading is `late` if it would not be the next highest; only then
# are looked up `before`, the highest version up to its stamp, and `taken`, those that occupy its stamp and the seconds
# after it without a gap. Estimates have the versions below `least`, one after another, whatever their stamp.
_JUDGE = """
INSERT INTO judged
WITH held AS (
    SELECT DISTINCT ON (metering_point_id, interval_start) metering_point_id, interval_start, version AS held,
           imported_wh, exported_wh, quality
    FROM metering_reading
    WHERE cluster_id = %(cluster)s AND metering_point_id = ANY(%(points)s)
      AND interval_start >= %(first)s AND interval_start <= %(last)s
    ORDER BY metering_point_id, interval_start, version DESC
), met AS (
    SELECT i.*, i.quality = %(estimated)s AS estimate, h.held,
           (h.imported_wh, h.exported_wh, h.quality) = (i.imported_wh, i.exported_wh, i.quality) AS same
    FROM incoming i LEFT JOIN held h USING (metering_point_id, interval_start)
    WHERE i.turn = %(turn)s
), aimed AS (
    SELECT *, CASE WHEN NOT estimate THEN stamp WHEN held < %(least)s THEN held + 1 ELSE 1 END AS aim,
           CASE WHEN estimate THEN held >= %(least)s ELSE held > stamp OR held = stamp AND NOT same END AS late
    FROM met
)
SELECT a.place, a.metering_point_id, a.interval_start,
    CASE WHEN a.held IS NULL THEN a.aim
         WHEN a.late AND a.estimate THEN CASE WHEN before.same THEN NULL ELSE coalesce(before.version, 0) + 1 END
         WHEN a.late AND taken.seconds > 0 THEN CASE WHEN taken.same THEN NULL ELSE a.aim + taken.seconds END
         WHEN a.late THEN CASE WHEN before.same AND NOT a.stamped THEN NULL ELSE a.aim END
         WHEN a.same AND (a.estimate OR NOT a.stamped OR a.held = a.aim) THEN NULL
         ELSE a.aim END,
    a.imported_wh, a.exported_wh, a.quality,
    CASE WHEN a.held IS NULL THEN 'a'
         WHEN a.late AND a.estimate THEN CASE WHEN before.same THEN 'u' ELSE 's' END
         WHEN a.late AND taken.seconds > 0 THEN
             CASE WHEN taken.same THEN 'u' WHEN a.aim + taken.seconds > a.held THEN 'r' ELSE 's' END
         WHEN a.late THEN CASE WHEN before.same AND NOT a.stamped THEN 'u' ELSE 's' END
         WHEN a.same THEN 'u'
         ELSE 'r' END
FROM aimed a
LEFT JOIN LATERAL (
    SELECT r.version,
           (r.imported_wh, r.exported_wh, r.quality) = (a.imported_wh, a.exported_wh, a.quality) AS same
    FROM metering_reading r
    WHERE a.late AND r.cluster_id = %(cluster)s AND r.metering_point_id = a.metering_point_id
      AND r.interval_start = a.interval_start
      AND r.version <= CASE WHEN a.estimate THEN %(least)s - 1 ELSE a.aim END
    ORDER BY r.version DESC LIMIT 1
) before ON true
LEFT JOIN LATERAL (
    SELECT count(*)::int AS seconds, bool_or(same) AS same
    FROM (
        SELECT r.version - row_number() OVER (ORDER BY r.version) + 1 AS reached_from,
               (r.imported_wh, r.exported_wh, r.quality) = (a.imported_wh, a.exported_wh, a.quality) AS same
        FROM metering_reading r
        WHERE a.late AND NOT a.estimate AND r.cluster_id = %(cluster)s AND r.metering_point_id = a.metering_point_id
          AND r.interval_start = a.interval_start AND r.version >= a.aim
    ) following
    WHERE reached_from = a.aim
) taken ON true
"""
_STORE = f"""
{INSERT} SELECT %(cluster)s, metering_point_id, interval_start, version, imported_wh, exported_wh, quality
FROM judged WHERE version IS NOT NULL AND place IN (SELECT place FROM incoming WHERE turn = %(turn)s)
"""
_LETTERS = """
SELECT string_agg(coalesce(j.letter::text, CASE WHEN i.turn = 0 THEN 'u' ELSE 'x' END), '' ORDER BY s.ctid)
FROM staged s LEFT JOIN incoming i ON i.place = s.ctid LEFT JOIN judged j ON j.place = s.ctid
"""


def store_news(cursor: Any, cluster_id: int) -> None:
    """Fill the table `judged` from `incoming`, store the new versions, and note where another value holds now.

    Needs the scope and the cluster's lock. Readings of one quarter-hour take turns, the earliest stamp first.
    """
    cursor.execute("SELECT min(interval_start), max(interval_start), max(turn) FROM incoming")
    first, last, turns = cursor.fetchone()
    cursor.execute("SELECT array_agg(DISTINCT metering_point_id) FROM incoming")
    known = {
        "cluster": cluster_id,
        "points": cursor.fetchone()[0],
        "first": first,
        "last": last,
        "estimated": QUALITY_CODE["estimated"],
        "least": FIRST_DELIVERED,
    }
    for turn in range(1, (turns or 0) + 1):
        cursor.execute(_JUDGE, known | {"turn": turn})
        cursor.execute(_STORE, {"cluster": cluster_id, "turn": turn})
    touch_intervals(cluster_id, _changed(cursor))


def count_letters(cursor: Any) -> dict[str, int]:
    """How many readings became what; what repeats another reading of the delivery is unchanged."""
    cursor.execute(
        "SELECT letter, count(*)::int FROM judged GROUP BY letter "
        "UNION ALL SELECT 'u', count(*)::int FROM incoming WHERE turn = 0"
    )
    counts: dict[str, int] = {}
    for letter, count in cursor.fetchall():
        counts[letter] = counts.get(letter, 0) + count
    return counts


def letters_of_rows(cursor: Any) -> str:
    """A letter for each staged line, in order."""
    cursor.execute(_LETTERS)
    return cursor.fetchone()[0] or ""


def _changed(cursor: Any) -> list[datetime]:
    cursor.execute("SELECT DISTINCT interval_start FROM judged WHERE letter IN ('a', 'r')")
    return [at for (at,) in cursor.fetchall()]
