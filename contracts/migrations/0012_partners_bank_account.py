from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0011_rows_of_the_files"),
    ]

    operations = [
        migrations.AddField(
            model_name="externalpartner",
            name="iban",
            field=models.CharField(blank=True, max_length=34, verbose_name="bank account (IBAN)"),
        ),
    ]
