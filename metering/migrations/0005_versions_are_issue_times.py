"""A reading's version becomes the time of its issue (metering/domain/versions.py).

When a stored value was issued was not kept: it counts as issued when its quarter-hour ended, a second later for each
version, so the order stays and whatever comes from now on is later. Estimates keep their numbers. Where an estimate
hid a delivered value, that one holds from now on, so clearing has to look again.
"""

from django.db import migrations, models

TOUCH_UNCOVERED = """
ALTER TABLE metering_reading DISABLE ROW LEVEL SECURITY;
ALTER TABLE metering_intervalinput DISABLE ROW LEVEL SECURITY;
UPDATE metering_intervalinput i SET changes = i.changes + 1
WHERE EXISTS (SELECT FROM metering_reading e JOIN metering_reading d
              ON (d.cluster_id, d.metering_point_id, d.interval_start) =
                 (e.cluster_id, e.metering_point_id, e.interval_start)
              WHERE (e.cluster_id, e.interval_start) = (i.cluster_id, i.interval_start)
                AND e.quality = 4 AND d.quality <> 4 AND e.version > d.version);
ALTER TABLE metering_reading ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE metering_intervalinput ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
"""
ISSUED = """
ALTER TABLE metering_reading ALTER COLUMN version TYPE integer USING
    CASE WHEN quality = 4 THEN version
         ELSE extract(epoch FROM interval_start - '2000-01-01 00:00Z'::timestamptz)::integer + 900 + version END
"""
NUMBERED = """
ALTER TABLE metering_reading ALTER COLUMN version TYPE smallint USING
    CASE WHEN quality = 4 THEN version
         ELSE version - 900 - extract(epoch FROM interval_start - '2000-01-01 00:00Z'::timestamptz)::integer END
"""


class Migration(migrations.Migration):
    dependencies = [("metering", "0004_delete_accesses")]

    operations = [
        migrations.RunSQL(TOUCH_UNCOVERED, migrations.RunSQL.noop),
        migrations.RunSQL(
            ISSUED,
            NUMBERED,
            state_operations=[migrations.AlterField("reading", "version", models.PositiveIntegerField())],
        ),
    ]
