from django.db import migrations

# The steps of an application can't be changed, but for what was written in them when its author is to be forgotten.
FORGET_TEXTS = """
CREATE FUNCTION forget_application_texts(wanted bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE participants_applicationevent SET text = ''
    WHERE cluster_id = ANY(current_setting('app.clusters')::bigint[]) AND application_id = ANY(wanted)
$$
"""


class Migration(migrations.Migration):
    dependencies = [("participants", "0007_privacy")]

    operations = [migrations.RunSQL(FORGET_TEXTS, "DROP FUNCTION forget_application_texts(bigint[])")]
