import django.db.models.deletion
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.dated import exclude_overlap
from participants.tenancy.ddl import ProtectTenant


class Migration(migrations.Migration):
    dependencies = [("metering", "0005_versions_are_issue_times")]

    operations = [
        migrations.CreateModel(
            name="Meter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("serial", models.CharField(max_length=40, verbose_name="serial number")),
                ("valid_from", models.DateField(verbose_name="from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="to (exclusive)")),
                (
                    "cluster",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.cluster",
                    ),
                ),
                (
                    "metering_point",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="meters",
                        to="metering.meteringpoint",
                        verbose_name="metering point",
                    ),
                ),
            ],
            options={
                "verbose_name": "meter",
                "verbose_name_plural": "meters",
                "ordering": ("metering_point", "valid_from"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                        ),
                        name="meter_dates",
                    ),
                    models.CheckConstraint(condition=models.Q(("serial__regex", "^\\S+$")), name="meter_serial"),
                    models.UniqueConstraint(
                        condition=models.Q(("valid_to", None)), fields=("cluster", "serial"), name="one_place_a_meter"
                    ),
                ],
            },
        ),
        ProtectTenant("Meter"),
        exclude_overlap("metering_meter", "metering_point_id"),
    ]
