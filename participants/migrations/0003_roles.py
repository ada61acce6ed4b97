from django.db import migrations, models

# Read before a scope can be known, so it runs as the owner; it gives nothing but the ways in of one user.
WITH_LEVEL = """
DROP FUNCTION memberships_of_user(bigint);
CREATE FUNCTION memberships_of_user(wanted bigint)
RETURNS TABLE (cluster_id bigint, role varchar, participant_id bigint, level varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.cluster_id, m.role, m.participant_id, m.level FROM participants_membership m
    WHERE m.user_id = wanted ORDER BY m.cluster_id, m.role, m.participant_id
$$
"""
WITHOUT_LEVEL = """
DROP FUNCTION memberships_of_user(bigint);
CREATE FUNCTION memberships_of_user(wanted bigint)
RETURNS TABLE (cluster_id bigint, role varchar, participant_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.cluster_id, m.role, m.participant_id FROM participants_membership m
    WHERE m.user_id = wanted ORDER BY m.cluster_id, m.role, m.participant_id
$$
"""


class Migration(migrations.Migration):
    dependencies = [("participants", "0002_statistics")]

    operations = [
        migrations.AddField(
            model_name="dsouser",
            name="whole_grid",
            field=models.BooleanField(default=True, verbose_name="whole grid"),
        ),
        migrations.AddField(
            model_name="membership",
            name="level",
            field=models.CharField(
                choices=[
                    ("full", "full"),
                    ("act", "read and act"),
                    ("accounts", "accounts"),
                    ("read", "read only"),
                ],
                default="full",
                max_length=8,
                verbose_name="level",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("level__in", ["full", "act", "read"]), ("role", "member")),
                    models.Q(("level__in", ["full", "accounts", "read"]), ("role", "coordinator")),
                    _connector="OR",
                ),
                name="levels_of_a_role",
            ),
        ),
        migrations.RunSQL(WITH_LEVEL, WITHOUT_LEVEL),
    ]
