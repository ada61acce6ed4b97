"""A draft keeps where its rows stood in the files that it came in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contracts", "0010_discounts_of_the_book")]

    operations = [
        migrations.AddField(
            model_name="tariffbook",
            name="places",
            field=models.JSONField(blank=True, default=dict, verbose_name="rows of the files"),
        ),
    ]
