"""How old readings become daily sums: the application may not delete readings, a function of the owner does.

It works on the clusters in scope only, on months that were declared to be aggregated, and never on one that ended less
than fifteen months ago: so late corrections of a distributor still come.
"""

AGGREGATE_FUNCTION = """
CREATE FUNCTION aggregate_readings(wanted bigint, wanted_day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    zone text;
    first timestamptz;
    finish timestamptz;
    removed bigint;
BEGIN
    SELECT timezone INTO STRICT zone FROM participants_cluster
    WHERE id = wanted AND id = ANY(current_setting('app.clusters')::bigint[]);
    IF NOT EXISTS (SELECT FROM metering_aggregatedmonth
                   WHERE cluster_id = wanted AND month = date_trunc('month', wanted_day)::date) THEN
        RAISE EXCEPTION 'the month of % is not to be aggregated', wanted_day;
    END IF;
    IF date_trunc('month', wanted_day) + interval '16 months' > now() THEN
        RAISE EXCEPTION 'the month of % ended less than fifteen months ago', wanted_day;
    END IF;
    first := wanted_day::timestamp AT TIME ZONE zone;
    finish := (wanted_day + 1)::timestamp AT TIME ZONE zone;
    PERFORM pg_advisory_xact_lock(hashtext('metering_reading'), wanted::integer);
    INSERT INTO metering_readingday
        (cluster_id, metering_point_id, day, imported_wh, exported_wh, measured, split, substituted, estimated)
    SELECT wanted, metering_point_id, wanted_day, sum(imported_wh), sum(exported_wh),
           count(*) FILTER (WHERE quality = 1), count(*) FILTER (WHERE quality = 2),
           count(*) FILTER (WHERE quality = 3), count(*) FILTER (WHERE quality = 4)
    FROM (SELECT DISTINCT ON (metering_point_id, interval_start) metering_point_id, imported_wh, exported_wh, quality
          FROM metering_reading
          WHERE cluster_id = wanted AND interval_start >= first AND interval_start < finish
          ORDER BY metering_point_id, interval_start, version DESC) in_force
    GROUP BY metering_point_id;
    DELETE FROM metering_reading
    WHERE cluster_id = wanted AND interval_start >= first AND interval_start < finish;
    GET DIAGNOSTICS removed = ROW_COUNT;
    DELETE FROM metering_intervalinput
    WHERE cluster_id = wanted AND interval_start >= first AND interval_start < finish;
    RETURN removed;
END $$
"""
DROP_AGGREGATE = "DROP FUNCTION aggregate_readings(bigint, date)"
