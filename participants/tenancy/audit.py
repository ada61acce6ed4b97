"""Every change of a tenant row leaves who, when, before and after behind, written by the database itself.

A trigger sees what the ORM, raw SQL and bulk statements do alike, and the application's role can neither write nor
change what it noted. Results (readings, runs, positions, trades, the work list, statements) are not noted: they are
versions that say themselves what they replace, and there are millions of them.
"""

from typing import Any

from django.db import models

from participants.tenancy.ddl import tenant_models

# Once per statement, as the owner: one INSERT … SELECT, however many rows the statement wrote.
AUDIT_FUNCTIONS = """
CREATE FUNCTION note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    acting bigint := nullif(current_setting('app.user', true), '')::bigint;
    hidden text[] := coalesce(TG_ARGV, '{}');
    moment timestamptz := clock_timestamp();
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO participants_change (cluster_id, at, user_id, operation, table_name, row_id, before, after)
        SELECT a.cluster_id, moment, acting, 'insert', TG_TABLE_NAME, a.id, NULL, to_jsonb(a) - hidden
        FROM after_rows a ORDER BY a.id;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO participants_change (cluster_id, at, user_id, operation, table_name, row_id, before, after)
        SELECT b.cluster_id, moment, acting, 'delete', TG_TABLE_NAME, b.id, to_jsonb(b) - hidden, NULL
        FROM before_rows b ORDER BY b.id;
    ELSE
        INSERT INTO participants_change (cluster_id, at, user_id, operation, table_name, row_id, before, after)
        SELECT coalesce(a.cluster_id, b.cluster_id), moment, acting,
               CASE WHEN b.id IS NULL THEN 'insert' WHEN a.id IS NULL THEN 'delete' ELSE 'update' END,
               TG_TABLE_NAME, coalesce(a.id, b.id), to_jsonb(b) - hidden, to_jsonb(a) - hidden
        FROM before_rows b FULL JOIN after_rows a ON a.id = b.id
        WHERE to_jsonb(a) IS DISTINCT FROM to_jsonb(b) ORDER BY coalesce(a.id, b.id);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION erase_from_history(wanted_table text, wanted_row bigint, fields text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found bigint;
BEGIN
    UPDATE participants_change c SET
        before = (SELECT jsonb_object_agg(key, CASE WHEN key = ANY(fields) THEN '"…"' ELSE value END)
                  FROM jsonb_each(c.before)),
        after = (SELECT jsonb_object_agg(key, CASE WHEN key = ANY(fields) THEN '"…"' ELSE value END)
                 FROM jsonb_each(c.after))
    WHERE c.cluster_id = ANY(current_setting('app.clusters')::bigint[])
      AND c.table_name = wanted_table AND c.row_id = wanted_row;
    GET DIAGNOSTICS found = ROW_COUNT;
    INSERT INTO participants_change (cluster_id, at, user_id, operation, table_name, row_id)
    SELECT cluster_id, clock_timestamp(), nullif(current_setting('app.user', true), '')::bigint, 'erase',
           wanted_table, wanted_row
    FROM participants_change
    WHERE cluster_id = ANY(current_setting('app.clusters')::bigint[])
      AND table_name = wanted_table AND row_id = wanted_row
    GROUP BY cluster_id;
    RETURN found;
END $$
"""
DROP_AUDIT = "DROP FUNCTION note_change() CASCADE; DROP FUNCTION erase_from_history(text, bigint, text[])"

_TRANSITIONS = {
    "INSERT": "NEW TABLE AS after_rows",
    "UPDATE": "OLD TABLE AS before_rows NEW TABLE AS after_rows",
    "DELETE": "OLD TABLE AS before_rows",
}


def audit_tenant_tables(connection: Any) -> None:
    """Give every audited tenant table its triggers; run by the owner after every migration, so new models have them."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_proc WHERE proname = 'note_change'")
        if cursor.fetchone() is None:
            return
        present = set(connection.introspection.table_names(cursor))
        for model in tenant_models():
            table = model._meta.db_table
            if not model.audited or table not in present:
                continue
            files = [field.column for field in model._meta.concrete_fields if isinstance(field, models.BinaryField)]
            hidden = ", ".join(f"'{column}'" for column in [*model.secret_columns, *files])
            for event, transition in _TRANSITIONS.items():
                cursor.execute(
                    f"CREATE OR REPLACE TRIGGER note_{event.lower()} AFTER {event} ON {quote(table)} "
                    f"REFERENCING {transition} FOR EACH STATEMENT EXECUTE FUNCTION note_change({hidden})"
                )


def erase_from_history(connection: Any, table: str, row_id: int, fields: list[str]) -> int:
    """Blank these fields in all that was noted of a row in scope; who and when stay, and the erasure is noted too.

    For the erasure of a person's data only. Returns how many changes were blanked.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT erase_from_history(%s, %s, %s)", [table, row_id, fields])
        return int(cursor.fetchone()[0])
