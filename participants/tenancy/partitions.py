"""Tables partitioned by month (UTC) of the interval."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.migrations.operations import CreateModel

MONTHS_AHEAD = 3

ENSURE_FUNCTION = """
CREATE OR REPLACE FUNCTION ensure_month_partitions(parent text, first timestamptz, last timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz := date_trunc('month', first);
    child text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = parent AND relkind = 'p'
                   AND relnamespace = 'public'::regnamespace) THEN
        RAISE EXCEPTION '% is no partitioned table', parent;
    END IF;
    WHILE month <= last LOOP
        child := parent || to_char(month, '_YYYY_MM');
        IF to_regclass(quote_ident(child)) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('ensure_month_partitions'), hashtext(parent));
            -- to_regclass answers from this session's cache and misses what another one has made while we waited.
            IF NOT EXISTS (SELECT FROM pg_class WHERE relname = child AND relnamespace = 'public'::regnamespace) THEN
                -- Attached, not made in place, which would lock out the readers of the whole table to the end of the
                -- transaction.
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
                EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', child);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                               parent, child, month, month + interval '1 month');
            END IF;
        END IF;
        month := month + interval '1 month';
    END LOOP;
END $$
"""
DROP_FUNCTION = "DROP FUNCTION ensure_month_partitions(text, timestamptz, timestamptz)"

STATISTICS_FUNCTION = """
CREATE FUNCTION renew_statistics(wanted text, first timestamptz, last timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    child regclass;
BEGIN
    FOR child IN
        SELECT to_regclass(quote_ident(wanted)) WHERE to_regclass(quote_ident(wanted)) NOT IN (
            SELECT oid FROM pg_class WHERE relkind = 'p')
        UNION ALL
        SELECT i.inhrelid::regclass FROM pg_inherits i
        JOIN generate_series(date_trunc('month', first), last, interval '1 month') month
          ON i.inhrelid = to_regclass(quote_ident(wanted || to_char(month, '_YYYY_MM')))
        WHERE i.inhparent = to_regclass(quote_ident(wanted))
    LOOP
        EXECUTE format('ANALYZE %s', child);
    END LOOP;
END $$
"""
DROP_STATISTICS = "DROP FUNCTION renew_statistics(text, timestamptz, timestamptz)"

# A month that ended long ago and holds no row of any cluster any more. Whoever reads the table waits for a moment, so
# it gives up rather than wait itself.
DROP_EMPTY_FUNCTION = """
CREATE FUNCTION drop_empty_months(parent text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    child text;
    filled boolean;
    dropped integer := 0;
BEGIN
    FOR child IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = (SELECT oid FROM pg_class WHERE relname = parent AND relkind = 'p'
                             AND relnamespace = 'public'::regnamespace)
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '16 months' < now()
        ORDER BY 1
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', child) INTO filled;
        CONTINUE WHEN filled;
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', child);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', child) INTO filled;
        CONTINUE WHEN filled;
        EXECUTE format('DROP TABLE %I', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$
"""
DROP_EMPTY_MONTHS = "DROP FUNCTION drop_empty_months(text)"


class CreatePartitionedModel(CreateModel):
    """CreateModel whose table is partitioned by the month of `interval_start`."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        sql, params = schema_editor.table_sql(model)
        schema_editor.execute(f"{sql} PARTITION BY RANGE (interval_start)", params or None)
        schema_editor.deferred_sql.extend(schema_editor._model_indexes_sql(model))


def ensure_month_partitions(table: str, first: dt.datetime, last: dt.datetime) -> None:
    """Make the partitions of `table` for the months from `first` to `last` (both included) where they are missing.

    The application's role can't create tables: a function of the owner does it. Nobody waits for it but who makes one
    too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_month_partitions(%s, %s, %s)", [table, first, last])


def partitioned_tables() -> list[str]:
    """The tables that are partitioned by month."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def ensure_months_ahead(now: dt.datetime) -> None:
    """Make the partitions of all partitioned tables for this month and MONTHS_AHEAD more.

    Writers make those they miss themselves; made ahead, nobody waits for it at the turn of a month.
    """
    last = now + dt.timedelta(days=31 * MONTHS_AHEAD)
    for table in partitioned_tables():
        ensure_month_partitions(table, now, last)


def drop_empty_months(table: str) -> int:
    """Give the disk space of old months without any row back; how many partitions went.

    Raises OperationalError if others use the table all the time: try again later.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT drop_empty_months(%s)", [table])
        return int(cursor.fetchone()[0])


def renew_statistics(tables: Iterable[str], first: dt.datetime, last: dt.datetime) -> None:
    """Renew the planner's statistics after bulk work; of partitioned tables the months from `first` to `last`.

    Until PostgreSQL does so by itself, a minute or more later, it plans as if the new rows were not there: measured,
    the export of a month just cleared took 79 s instead of 9 s, and a member's page over 30 s.
    """
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute("SELECT renew_statistics(%s, %s, %s)", [table, first, last])
