from django.db import migrations

# The application can't delete the history, but for what is older than any claim.
DELETE_CHANGES = """
CREATE FUNCTION delete_changes(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    IF before > now() - interval '5 years' THEN
        RAISE EXCEPTION 'the history of changes is kept for five years at least';
    END IF;
    DELETE FROM participants_change
    WHERE cluster_id = ANY(current_setting('app.clusters')::bigint[]) AND at < before;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("participants", "0009_applicants")]

    operations = [migrations.RunSQL(DELETE_CHANGES, "DROP FUNCTION delete_changes(timestamptz)")]
