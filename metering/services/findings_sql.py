"""The rules of plausibility, each one set-based statement over all readings of a cluster's local day.

Each gives rule, metering point, grid node, start, end, quarter-hours, value, limit, severity and owner.
"""

from metering.domain import plausibility as p

#: What holds on the day and the day before. What was invented says nothing about a meter.
HELD = """
CREATE TEMPORARY TABLE held ON COMMIT DROP AS
SELECT * FROM (
    SELECT DISTINCT ON (metering_point_id, interval_start) metering_point_id AS point, interval_start AS at,
           imported_wh AS imported, exported_wh AS exported, quality
    FROM metering_reading
    WHERE cluster_id = %(cluster)s AND interval_start >= %(before)s AND interval_start < %(end)s
    ORDER BY metering_point_id, interval_start, version DESC
) latest WHERE quality <> 4
"""
ASSIGNED = """
CREATE TEMPORARY TABLE assigned ON COMMIT DROP AS
SELECT metering_point_id AS point, role, grid_node_id AS node, contracted_power_kw AS power,
       generation_capacity_kw AS capacity, generation_source AS source
FROM metering_pointassignment
WHERE cluster_id = %(cluster)s AND valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s)
"""
_OF_MEMBERS = """
SELECT '{rule}' AS rule, point, NULL::bigint AS node, min(at) AS starts, max(at) + interval '15 minutes' AS ends,
       count(*) AS quarter_hours, max({value})::bigint AS value, {limit} AS most, {severity} AS severity,
       '{owner}' AS owner
FROM held JOIN assigned USING (point)
WHERE role = 'member' AND at >= %(start)s AND {value} > {limit} AND {where}
GROUP BY point, power, capacity
"""
_POWER_LIMIT = f"floor(power * {p.WH_PER_KW} * {p.POWER_TOLERANCE})::bigint"
_CAPACITY_LIMIT = f"floor(capacity * {p.WH_PER_KW} * {p.CAPACITY_TOLERANCE})::bigint"
_OVER_POWER = _OF_MEMBERS.format(
    rule="over_power", value="imported", limit=_POWER_LIMIT, where="power > 0", owner="coordinator",
    severity=f"CASE WHEN max(imported) > power * {p.WH_PER_KW} * {p.FAR_OVER_POWER} THEN 'warning' ELSE 'info' END",
)  # fmt: skip
_OVER_CAPACITY = _OF_MEMBERS.format(
    rule="over_capacity", value="exported", limit=_CAPACITY_LIMIT, where="capacity > 0", owner="dso",
    severity="'error'",
)  # fmt: skip
_NO_GENERATION = _OF_MEMBERS.format(
    rule="no_generation", value="exported", limit=f"{p.NOISE_WH}::bigint", where="capacity = 0", owner="coordinator",
    severity="'warning'",
)  # fmt: skip
_NIGHT_EXPORT = _OF_MEMBERS.format(
    rule="night_export", value="exported", limit=f"{p.NOISE_WH}::bigint", owner="dso", severity="'warning'",
    where="capacity > 0 AND source = 'photovoltaics' AND at = ANY(%(dark)s::timestamptz[])",
)  # fmt: skip
#: Runs of equal values; one that began the day before is told with its beginning.
_FROZEN = f"""
SELECT 'frozen', point, NULL::bigint, starts, ends, quarter_hours, value, 0::bigint, 'warning', 'dso' FROM (
    SELECT DISTINCT ON (point) point, min(at) AS starts, max(at) + interval '15 minutes' AS ends,
           count(*) AS quarter_hours, max(imported + exported)::bigint AS value
    FROM (
        SELECT *, sum(begins) OVER (PARTITION BY point ORDER BY at) AS run FROM (
            SELECT *, CASE WHEN (lag(imported) OVER w, lag(exported) OVER w, lag(at) OVER w)
                                = (imported, exported, at - interval '15 minutes') THEN 0 ELSE 1 END AS begins
            FROM held WHERE quality = 1 WINDOW w AS (PARTITION BY point ORDER BY at)
        ) marked
    ) runs
    GROUP BY point, run
    HAVING count(*) >= {p.FROZEN_QUARTER_HOURS} AND max(imported + exported) >= {p.FROZEN_LEAST_WH}
       AND max(at) >= %(start)s
    ORDER BY point, count(*) DESC, min(at)
) longest
"""
#: The day before, at hand already, tells for most points that there is none; only the others' past is read.
_SPIKE = f"""
SELECT 'spike', point, NULL::bigint, at, at + interval '15 minutes', 1::bigint, today.high,
       past.high * {p.SPIKE_FACTOR}, 'warning', 'dso'
FROM (
    SELECT DISTINCT ON (point) point, at, greatest(imported, exported)::bigint AS high
    FROM held WHERE at >= %(start)s ORDER BY point, high DESC, at
) today
LEFT JOIN (
    SELECT point, max(greatest(imported, exported)) AS high FROM held WHERE at < %(start)s GROUP BY point
) yesterday USING (point)
CROSS JOIN LATERAL (
    SELECT max(greatest(imported_wh, exported_wh))::bigint AS high, count(*) AS known FROM (
        SELECT DISTINCT ON (interval_start) imported_wh, exported_wh, quality FROM metering_reading
        WHERE cluster_id = %(cluster)s AND metering_point_id = point
          AND interval_start >= %(start)s - interval '{p.SPIKE_DAYS} days' AND interval_start < %(start)s
        ORDER BY interval_start, version DESC
    ) latest WHERE quality <> 4
) past
WHERE today.high >= {p.SPIKE_LEAST_WH} AND today.high > {p.SPIKE_FACTOR} * coalesce(yesterday.high, 0)
  AND past.known >= {p.SPIKE_KNOWN_QUARTER_HOURS} AND past.high > 0 AND today.high > {p.SPIKE_FACTOR} * past.high
"""
#: What came into the node by its boundary meters, less what came to the members below it; only of quarter-hours for
#: which all of them are known.
_STATION_SUM = f"""
SELECT 'station_sum', NULL::bigint, node, %(start)s::timestamptz, %(end)s::timestamptz, count(*),
       sum(difference)::bigint, greatest(floor(sum(measured) * {p.STATION_TOLERANCE}), {p.STATION_LEAST_WH})::bigint,
       CASE WHEN abs(sum(difference)) > sum(measured) * {p.STATION_FAR} THEN 'warning' ELSE 'info' END, 'dso'
FROM (
    SELECT parts.top AS node, held.at,
           sum((imported - exported) * CASE WHEN parts.role = 'boundary' THEN 1 ELSE -1 END) AS difference,
           sum(imported + exported) FILTER (WHERE parts.role = 'member') AS measured
    FROM (
        WITH RECURSIVE below(top, node) AS (
            SELECT DISTINCT node, node FROM assigned WHERE role = 'boundary'
            UNION
            SELECT b.top, n.id FROM metering_gridnode n JOIN below b ON n.parent_id = b.node
            WHERE n.cluster_id = %(cluster)s
        )
        SELECT b.top, a.point, a.role, count(*) OVER (PARTITION BY b.top) AS points,
               count(*) FILTER (WHERE a.role = 'member') OVER (PARTITION BY b.top) AS members
        FROM below b JOIN assigned a ON a.node = b.node AND (a.role = 'member' OR b.top = b.node)
    ) parts JOIN held USING (point)
    WHERE held.at >= %(start)s AND parts.members > 0
    GROUP BY parts.top, held.at, parts.points HAVING count(*) = parts.points
) complete
GROUP BY node
HAVING abs(sum(difference)) > greatest(floor(sum(measured) * {p.STATION_TOLERANCE}), {p.STATION_LEAST_WH})
"""
FOUND = "CREATE TEMPORARY TABLE found ON COMMIT DROP AS " + " UNION ALL ".join(
    f"SELECT * FROM ({rule}) {name}"
    for name, rule in (
        ("a", _OVER_POWER),
        ("b", _OVER_CAPACITY),
        ("c", _NO_GENERATION),
        ("d", _NIGHT_EXPORT),
        ("e", _FROZEN),
        ("f", _SPIKE),
        ("g", _STATION_SUM),
    )
)
#: An explanation was given for certain figures: with others the finding is open again.
STORE = """
INSERT INTO metering_finding AS known (cluster_id, rule, metering_point_id, grid_node_id, day, starts, ends,
    quarter_hours, value_wh, limit_wh, severity, owner, state, found_at, reason)
SELECT %(cluster)s, rule, point, node, %(day)s, starts, ends, quarter_hours, value, most, severity, owner, 'open',
       %(now)s, '' FROM found ORDER BY rule, point, node
ON CONFLICT (cluster_id, day, rule, metering_point_id, grid_node_id) DO UPDATE
SET starts = EXCLUDED.starts, ends = EXCLUDED.ends, quarter_hours = EXCLUDED.quarter_hours,
    value_wh = EXCLUDED.value_wh, limit_wh = EXCLUDED.limit_wh, severity = EXCLUDED.severity, owner = EXCLUDED.owner,
    state = 'open', found_at = EXCLUDED.found_at, reason = '', explained_by_id = NULL, explained_at = NULL
WHERE known.state = 'gone'
   OR (known.starts, known.ends, known.quarter_hours, known.value_wh, known.limit_wh, known.severity, known.owner)
      IS DISTINCT FROM (EXCLUDED.starts, EXCLUDED.ends, EXCLUDED.quarter_hours, EXCLUDED.value_wh, EXCLUDED.limit_wh,
                        EXCLUDED.severity, EXCLUDED.owner)
"""
GONE = """
UPDATE metering_finding known SET state = 'gone'
WHERE cluster_id = %(cluster)s AND day = %(day)s AND state <> 'gone' AND NOT EXISTS (
    SELECT FROM found WHERE found.rule = known.rule AND found.point IS NOT DISTINCT FROM known.metering_point_id
    AND found.node IS NOT DISTINCT FROM known.grid_node_id)
"""
