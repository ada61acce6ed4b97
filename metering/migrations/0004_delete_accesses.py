from django.db import migrations

# The application can't delete what it noted, but for what is older than anybody needs it.
DELETE_ACCESSES = """
CREATE FUNCTION delete_reading_accesses(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    IF before > now() - interval '1 year' THEN
        RAISE EXCEPTION 'accesses to readings are kept for a year at least';
    END IF;
    DELETE FROM metering_readingaccess
    WHERE cluster_id = ANY(current_setting('app.clusters')::bigint[]) AND at < before;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("metering", "0003_reading_access")]

    operations = [migrations.RunSQL(DELETE_ACCESSES, "DROP FUNCTION delete_reading_accesses(timestamptz)")]
