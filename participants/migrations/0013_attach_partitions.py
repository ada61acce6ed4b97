from django.db import migrations

from participants.tenancy.bulk_links import LINK_FUNCTIONS
from participants.tenancy.partitions import ENSURE_FUNCTION


class Migration(migrations.Migration):
    dependencies = [("participants", "0012_location")]

    operations = [
        migrations.RunSQL(ENSURE_FUNCTION, migrations.RunSQL.noop),
        migrations.RunSQL(LINK_FUNCTIONS, migrations.RunSQL.noop),
    ]
