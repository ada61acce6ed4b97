from django.db import migrations

from participants.tenancy.partitions import DROP_STATISTICS, STATISTICS_FUNCTION


class Migration(migrations.Migration):
    dependencies = [("participants", "0001_first_light")]

    operations = [migrations.RunSQL(STATISTICS_FUNCTION, DROP_STATISTICS)]
