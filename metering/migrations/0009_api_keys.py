import django.db.models.deletion
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant


class Migration(migrations.Migration):
    dependencies = [
        ("metering", "0008_daily_sums"),
        ("participants", "0013_attach_partitions"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeyAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("idempotency_key", models.CharField(max_length=200)),
                ("request_sha256", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField()),
                ("answer", models.JSONField()),
                ("at", models.DateTimeField()),
                (
                    "api_key",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.apikey",
                    ),
                ),
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
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "api_key", "idempotency_key"), name="one_answer_a_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyScope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "api_key",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scopes",
                        to="participants.apikey",
                        verbose_name="API key",
                    ),
                ),
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
                    "grid_node",
                    participants.tenancy.models.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.gridnode",
                        verbose_name="grid node and below",
                    ),
                ),
                (
                    "metering_point",
                    participants.tenancy.models.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.meteringpoint",
                        verbose_name="metering point",
                    ),
                ),
            ],
            options={
                "verbose_name": "what an API key may write",
                "verbose_name_plural": "what the API key may write (nothing: all points)",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("grid_node__isnull", False), ("metering_point", None)),
                            models.Q(("grid_node", None), ("metering_point__isnull", False)),
                            _connector="OR",
                        ),
                        name="scope_point_or_node",
                        violation_error_message="Give either a metering point or a grid node.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("last_used_at", models.DateTimeField()),
                (
                    "api_key",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uses",
                        to="participants.apikey",
                    ),
                ),
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
                "constraints": [models.UniqueConstraint(fields=("cluster", "api_key"), name="one_use_a_key")],
            },
        ),
        ProtectTenant("KeyAnswer"),
        ProtectTenant("KeyScope"),
        ProtectTenant("KeyUse"),
    ]
