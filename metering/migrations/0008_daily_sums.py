import django.db.models.deletion
from django.db import migrations, models

import participants.tenancy.models
from metering.retention_sql import AGGREGATE_FUNCTION, DROP_AGGREGATE
from participants.tenancy.ddl import ProtectTenant
from participants.tenancy.partitions import DROP_EMPTY_FUNCTION, DROP_EMPTY_MONTHS


class Migration(migrations.Migration):
    dependencies = [("metering", "0007_estimates_and_findings")]

    operations = [
        migrations.CreateModel(
            name="AggregatedMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(verbose_name="month (its first day)")),
                ("at", models.DateTimeField(verbose_name="when")),
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
            ],
            options={
                "verbose_name": "month kept as daily sums",
                "verbose_name_plural": "months kept as daily sums",
                "ordering": ("-month",),
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "month"), name="one_aggregated_month"),
                    models.CheckConstraint(condition=models.Q(("month__day", 1)), name="aggregated_month_first_day"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReadingDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "cluster_id",
                        "metering_point_id",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("imported_wh", models.PositiveBigIntegerField()),
                ("exported_wh", models.PositiveBigIntegerField()),
                ("measured", models.PositiveSmallIntegerField()),
                ("split", models.PositiveSmallIntegerField()),
                ("substituted", models.PositiveSmallIntegerField()),
                ("estimated", models.PositiveSmallIntegerField()),
                (
                    "cluster",
                    models.ForeignKey(
                        db_constraint=False,
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
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.meteringpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "daily sum of readings",
                "verbose_name_plural": "daily sums of readings",
            },
        ),
        ProtectTenant("AggregatedMonth"),
        ProtectTenant("ReadingDay"),
        migrations.RunSQL(AGGREGATE_FUNCTION, DROP_AGGREGATE),
        migrations.RunSQL(DROP_EMPTY_FUNCTION, DROP_EMPTY_MONTHS),
    ]
