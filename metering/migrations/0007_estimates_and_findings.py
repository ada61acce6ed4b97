import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant


class Migration(migrations.Migration):
    dependencies = [
        ("metering", "0006_meters"),
        ("participants", "0013_attach_partitions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DayCheck",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "cluster_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                ("estimated_changes", models.PositiveBigIntegerField(default=0)),
                ("estimated_to", models.DateTimeField(null=True)),
                ("validated_changes", models.PositiveBigIntegerField(default=0)),
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
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("over_power", "draws more than its contracted power"),
                            ("over_capacity", "feeds in more than it can generate"),
                            ("no_generation", "feeds in without known generation"),
                            ("night_export", "feeds in while the sun is down"),
                            ("frozen", "repeats the same value"),
                            ("spike", "far above its own recent high"),
                            ("station_sum", "sum of the members differs from the boundary meter"),
                        ],
                        max_length=20,
                        verbose_name="what",
                    ),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("starts", models.DateTimeField(verbose_name="from")),
                ("ends", models.DateTimeField(verbose_name="to (exclusive)")),
                ("quarter_hours", models.PositiveIntegerField(verbose_name="quarter-hours")),
                ("value_wh", models.BigIntegerField(verbose_name="value (Wh)")),
                ("limit_wh", models.BigIntegerField(verbose_name="limit (Wh)")),
                (
                    "severity",
                    models.CharField(
                        choices=[("info", "to know"), ("warning", "to look at"), ("error", "cannot be")],
                        max_length=10,
                        verbose_name="severity",
                    ),
                ),
                (
                    "owner",
                    models.CharField(
                        choices=[("coordinator", "coordinator"), ("dso", "distributor")],
                        max_length=12,
                        verbose_name="who clears it up",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("explained", "explained"), ("gone", "gone")],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("found_at", models.DateTimeField(verbose_name="found")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="explanation")),
                ("explained_at", models.DateTimeField(blank=True, null=True, verbose_name="explained")),
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
                    "explained_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="explained by",
                    ),
                ),
                (
                    "grid_node",
                    participants.tenancy.models.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.gridnode",
                        verbose_name="grid node",
                    ),
                ),
                (
                    "metering_point",
                    participants.tenancy.models.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.meteringpoint",
                        verbose_name="metering point",
                    ),
                ),
            ],
            options={
                "verbose_name": "finding",
                "verbose_name_plural": "findings",
                "ordering": ("-day", "rule", "metering_point", "grid_node"),
                "indexes": [models.Index(fields=["cluster", "state", "-day"], name="findings_by_state")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("ends__gt", models.F("starts"))), name="finding_span"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("grid_node__isnull", False), ("metering_point", None)),
                            models.Q(("grid_node", None), ("metering_point__isnull", False)),
                            _connector="OR",
                        ),
                        name="finding_of_point_or_node",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "explained"), _negated=True),
                            models.Q(
                                models.Q(("reason", ""), _negated=True),
                                ("explained_at__isnull", False),
                                ("explained_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="explained_with_reason",
                    ),
                    models.UniqueConstraint(
                        fields=("cluster", "day", "rule", "metering_point", "grid_node"),
                        name="one_finding_a_day",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Substitution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts", models.DateTimeField(verbose_name="from")),
                ("ends", models.DateTimeField(verbose_name="to (exclusive)")),
                (
                    "how",
                    models.CharField(
                        choices=[("values", "these values"), ("estimated", "estimated")],
                        max_length=10,
                        verbose_name="how",
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("issued_at", models.DateTimeField(verbose_name="put in at")),
                ("readings", models.PositiveIntegerField(verbose_name="readings")),
                ("imported_wh", models.BigIntegerField(verbose_name="imported (Wh)")),
                ("exported_wh", models.BigIntegerField(verbose_name="exported (Wh)")),
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
                    "issued_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="put in by",
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
                        verbose_name="metering point",
                    ),
                ),
            ],
            options={
                "verbose_name": "substitution of readings",
                "verbose_name_plural": "substitutions of readings",
                "ordering": ("-issued_at", "-id"),
                "indexes": [
                    models.Index(fields=["cluster", "metering_point", "starts"], name="substitutions_of_a_point")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends__gt", models.F("starts"))), name="substitution_span"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="substitution_reason"
                    ),
                ],
            },
        ),
        ProtectTenant("DayCheck"),
        ProtectTenant("Finding"),
        ProtectTenant("Substitution"),
    ]
