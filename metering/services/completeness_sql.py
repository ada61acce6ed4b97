"""Statements that count what is lacking of a cluster's local days."""

#: A cluster's readings begin on the first local day of which anything was ever delivered.
BEGINNING = """
SELECT least(min(kept.day), min(summed.day)) FROM metering_meteringpoint m
LEFT JOIN LATERAL (SELECT (r.interval_start AT TIME ZONE %(zone)s)::date AS day FROM metering_reading r
                   WHERE r.cluster_id = m.cluster_id AND r.metering_point_id = m.id
                   ORDER BY r.interval_start LIMIT 1) kept ON true
LEFT JOIN LATERAL (SELECT d.day FROM metering_readingday d
                   WHERE d.cluster_id = m.cluster_id AND d.metering_point_id = m.id
                   ORDER BY d.day LIMIT 1) summed ON true
WHERE m.cluster_id = %(cluster)s
"""
#: Those of the days that were never counted, or have changed since, with their changes.
CHANGED = """
SELECT d.day, coalesce(i.changes, 0)
FROM unnest(%(days)s::date[]) AS d(day)
LEFT JOIN (
    SELECT (interval_start AT TIME ZONE %(zone)s)::date AS day, sum(changes)::bigint AS changes
    FROM metering_intervalinput
    WHERE cluster_id = %(cluster)s AND interval_start >= %(start)s AND interval_start < %(end)s GROUP BY 1
) i ON i.day = d.day
LEFT JOIN metering_daycheck c ON c.cluster_id = %(cluster)s AND c.day = d.day
WHERE c.counted_changes IS DISTINCT FROM coalesce(i.changes, 0)
ORDER BY d.day
"""
#: One day; the first gap is looked up only where something was delivered.
COUNT = """
WITH there AS (
    SELECT metering_point_id, count(*) FILTER (WHERE quality <> 4) AS delivered,
           count(*) FILTER (WHERE quality = 4) AS estimated
    FROM (SELECT DISTINCT ON (metering_point_id, interval_start) metering_point_id, quality FROM metering_reading
          WHERE cluster_id = %(cluster)s AND interval_start >= %(start)s AND interval_start < %(end)s
          ORDER BY metering_point_id, interval_start, version DESC) held
    GROUP BY 1
    UNION ALL
    SELECT metering_point_id, measured + split + substituted, estimated FROM metering_readingday
    WHERE cluster_id = %(cluster)s AND day = %(day)s
), lacking AS (
    SELECT a.metering_point_id AS point, coalesce(t.delivered, 0) AS delivered, coalesce(t.estimated, 0) AS estimated
    FROM metering_pointassignment a LEFT JOIN there t ON t.metering_point_id = a.metering_point_id
    WHERE a.cluster_id = %(cluster)s AND a.valid_from <= %(day)s AND (a.valid_to IS NULL OR a.valid_to > %(day)s)
      AND coalesce(t.delivered, 0) < %(length)s
), gone AS (
    DELETE FROM metering_readinggap g WHERE g.cluster_id = %(cluster)s AND g.day = %(day)s
    AND NOT EXISTS (SELECT FROM lacking l WHERE l.point = g.metering_point_id)
)
INSERT INTO metering_readinggap AS known (cluster_id, metering_point_id, day, missing, estimated, first_at)
SELECT %(cluster)s, l.point, %(day)s, greatest(%(length)s - l.delivered - l.estimated, 0), l.estimated,
       coalesce(gap.at, %(start)s)
FROM lacking l
LEFT JOIN LATERAL (
    SELECT min(q.at) AS at FROM unnest(%(starts)s::timestamptz[]) AS q(at)
    WHERE l.delivered > 0 AND NOT EXISTS (
        SELECT FROM metering_reading r WHERE r.cluster_id = %(cluster)s AND r.metering_point_id = l.point
        AND r.interval_start = q.at AND r.interval_start >= %(start)s AND r.interval_start < %(end)s
        AND r.quality <> 4)
) gap ON true
ON CONFLICT (cluster_id, metering_point_id, day) DO UPDATE
SET missing = EXCLUDED.missing, estimated = EXCLUDED.estimated, first_at = EXCLUDED.first_at
WHERE (known.missing, known.estimated, known.first_at)
      IS DISTINCT FROM (EXCLUDED.missing, EXCLUDED.estimated, EXCLUDED.first_at)
"""
NOTE = """
INSERT INTO metering_daycheck AS known (cluster_id, day, estimated_changes, validated_changes, counted_changes)
VALUES (%(cluster)s, %(day)s, 0, 0, %(changes)s)
ON CONFLICT (cluster_id, day) DO UPDATE SET counted_changes = EXCLUDED.counted_changes
"""
#: Nothing tells that an assignment has changed on a day of which nothing ever came: these days are looked at always.
SILENT = """
WITH due AS (
    SELECT a.metering_point_id AS point, d.day, d.start, d.length
    FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(lengths)s::int[]) AS d(day, start, length)
    JOIN metering_daycheck c ON c.cluster_id = %(cluster)s AND c.day = d.day AND c.counted_changes = 0
    JOIN metering_pointassignment a
      ON a.cluster_id = %(cluster)s AND a.valid_from <= d.day AND (a.valid_to IS NULL OR a.valid_to > d.day)
), gone AS (
    DELETE FROM metering_readinggap g USING metering_daycheck c
    WHERE g.cluster_id = %(cluster)s AND c.cluster_id = %(cluster)s AND c.day = g.day AND c.counted_changes = 0
      AND NOT EXISTS (SELECT FROM due WHERE due.point = g.metering_point_id AND due.day = g.day)
)
INSERT INTO metering_readinggap (cluster_id, metering_point_id, day, missing, estimated, first_at)
SELECT %(cluster)s, point, day, length, 0, start FROM due ON CONFLICT DO NOTHING
"""
