"""Decides what each incoming reading is beside the stored ones, and stores what is news."""

from typing import Any

from metering.domain.readings import QUALITY_CODE
from metering.domain.versions import FIRST_DELIVERED
from metering.services.answers import Taken
from metering.services.inputs import touch_intervals
from metering.services.resolving import Resolved
from metering.services.unseen import INSERT

#: One row a reading: whose `turn` it is among those of its quarter-hour (0: it repeats another one), and whether the
#: source itself gave the `stamp` (a version).
_INCOMING = """
CREATE TEMPORARY TABLE incoming (
    place tid, metering_point_id bigint, interval_start timestamptz, stamp int, stamped boolean, imported_wh int,
    exported_wh int, quality smallint, turn int) ON COMMIT DROP
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
_JUDGED = """
CREATE TEMPORARY TABLE judged (
    place tid, turn int, metering_point_id bigint, interval_start timestamptz, version int, imported_wh int,
    exported_wh int, quality smallint, letter "char") ON COMMIT DROP
"""
# `held` is the highest version of the quarter-hour. A reading is `late` if it would not be the next highest; only then
# (OFFSET 0 keeps the subqueries from being merged) are looked up `before`, the highest version up to its stamp, and
# `taken`, those that occupy its stamp and the seconds after it without a gap, each as [version or number, says the
# same]. If one of those says the same, a stamped reading is no news; one that was merely received then is none if the
# last of them does. Estimates have the versions below `least`, one after another, whatever their stamp.
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
), looked_up AS (
    SELECT a.*,
        CASE WHEN late THEN (
            SELECT ARRAY[r.version,
                         ((r.imported_wh, r.exported_wh, r.quality) = (a.imported_wh, a.exported_wh, a.quality))::int]
            FROM metering_reading r
            WHERE r.cluster_id = %(cluster)s AND r.metering_point_id = a.metering_point_id
              AND r.interval_start = a.interval_start
              AND r.version <= CASE WHEN a.estimate THEN %(least)s - 1 ELSE a.aim END
            ORDER BY r.version DESC LIMIT 1
        ) END AS before,
        CASE WHEN late AND NOT estimate THEN (
            SELECT ARRAY[count(*)::int,
                         CASE WHEN a.stamped THEN max(same) ELSE (array_agg(same ORDER BY version DESC))[1] END]
            FROM (
                SELECT r.version, r.version - row_number() OVER (ORDER BY r.version) + 1 AS reached_from,
                       ((r.imported_wh, r.exported_wh, r.quality) =
                        (a.imported_wh, a.exported_wh, a.quality))::int AS same
                FROM metering_reading r
                WHERE r.cluster_id = %(cluster)s AND r.metering_point_id = a.metering_point_id
                  AND r.interval_start = a.interval_start AND r.version >= a.aim
            ) following
            WHERE reached_from = a.aim
        ) END AS taken
    FROM aimed a
    OFFSET 0
)
SELECT place, turn, metering_point_id, interval_start,
    CASE WHEN held IS NULL THEN aim
         WHEN late AND estimate THEN CASE WHEN before[2] = 1 THEN NULL ELSE coalesce(before[1], 0) + 1 END
         WHEN late AND taken[1] > 0 THEN CASE WHEN taken[2] = 1 THEN NULL ELSE aim + taken[1] END
         WHEN late THEN CASE WHEN before[2] = 1 AND NOT stamped THEN NULL ELSE aim END
         WHEN same AND (estimate OR NOT stamped OR held = aim) THEN NULL
         ELSE aim END,
    imported_wh, exported_wh, quality,
    CASE WHEN held IS NULL THEN 'a'
         WHEN late AND estimate THEN CASE WHEN before[2] = 1 THEN 'u' ELSE 's' END
         WHEN late AND taken[1] > 0 THEN
             CASE WHEN taken[2] = 1 THEN 'u' WHEN aim + taken[1] > held THEN 'r' ELSE 's' END
         WHEN late THEN CASE WHEN before[2] = 1 AND NOT stamped THEN 'u' ELSE 's' END
         WHEN same THEN 'u'
         ELSE 'r' END
FROM looked_up
"""
_STORE = f"""
{INSERT} SELECT %(cluster)s, metering_point_id, interval_start, version, imported_wh, exported_wh, quality
FROM judged WHERE turn = %(turn)s AND version IS NOT NULL
"""
_TAKEN = """
SELECT place, letter::text FROM judged UNION ALL SELECT place, 'u' FROM incoming WHERE turn = 0
"""


def judge(cursor: Any, cluster_id: int, resolved: Resolved, strict: bool, store: bool = True) -> Taken:
    """Store what is news among the readings that are right, and note where another value holds now.

    Of readings that say the same the first counts, unless `strict`; of those that don't, none. Those of one
    quarter-hour take turns, the earliest stamp first. Without `store` it is only decided. Needs the scope and the
    cluster's lock.
    """
    cursor.execute(_INCOMING)
    cursor.execute(_JUDGED)
    cursor.execute(f"INSERT INTO incoming SELECT *, 1 FROM ({resolved.checked}) r", resolved.parameters)
    _set_apart(cursor, strict)
    if resolved.own_stamps:
        cursor.execute(_TURNS)
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
        if store:
            cursor.execute(_STORE, {"cluster": cluster_id, "turn": turn})
    if not store:
        return Taken(_TAKEN, {})
    cursor.execute("SELECT DISTINCT interval_start FROM judged WHERE letter IN ('a', 'r')")
    touch_intervals(cluster_id, [at for (at,) in cursor.fetchall()])
    return Taken(_TAKEN, {})


def _set_apart(cursor: Any, strict: bool) -> None:
    """Take out of `incoming` what is there twice."""
    cursor.execute(_TWICE)
    if cursor.rowcount and strict:
        cursor.execute(f"DELETE FROM incoming i USING twice t WHERE {_THOSE} AND i.place <> t.first")
    elif cursor.rowcount:
        cursor.execute(f"DELETE FROM incoming i USING twice t WHERE {_THOSE} AND NOT t.agree")
        cursor.execute(f"UPDATE incoming i SET turn = 0 FROM twice t WHERE {_THOSE} AND i.place <> t.first")
