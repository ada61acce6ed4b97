from django.db import migrations

from participants.tenancy.partitions import ENSURE_FUNCTION


class Migration(migrations.Migration):
    dependencies = [("participants", "0008_forget_texts")]

    operations = [migrations.RunSQL(ENSURE_FUNCTION, migrations.RunSQL.noop)]
