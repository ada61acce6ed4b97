from django.db import migrations

from participants.tenancy.partitions import ANALYZE_FUNCTION, DROP_ANALYZE


class Migration(migrations.Migration):
    dependencies = [("participants", "0001_first_light")]

    operations = [migrations.RunSQL(ANALYZE_FUNCTION, DROP_ANALYZE)]
