import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant


class Migration(migrations.Migration):
    dependencies = [
        ("metering", "0009_api_keys"),
        ("participants", "0013_attach_partitions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ColumnMapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("columns", models.JSONField(verbose_name="columns")),
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
                "verbose_name": "column mapping",
                "verbose_name_plural": "column mappings",
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, verbose_name="file")),
                ("size", models.PositiveBigIntegerField(default=0, verbose_name="size (bytes)")),
                ("sha256", models.CharField(max_length=64)),
                ("received_at", models.DateTimeField(verbose_name="received")),
                (
                    "via",
                    models.CharField(
                        choices=[("page", "page"), ("api", "API"), ("folder", "watched folder")],
                        max_length=10,
                        verbose_name="by way of",
                    ),
                ),
                ("points", models.JSONField(null=True)),
                ("format", models.CharField(blank=True, max_length=20, verbose_name="format")),
                ("point", models.CharField(blank=True, max_length=18, verbose_name="metering point")),
                ("direction", models.CharField(default="import", max_length=6, verbose_name="direction")),
                ("issued_at", models.DateTimeField(verbose_name="issued")),
                ("stamped", models.BooleanField(default=False)),
                ("asks", models.BooleanField(default=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waits to be told more"),
                            ("received", "is being read"),
                            ("previewed", "read, not stored"),
                            ("storing", "is being stored"),
                            ("stored", "stored"),
                            ("refused", "refused"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("worked_at", models.DateTimeField(null=True)),
                ("read_bytes", models.PositiveBigIntegerField(default=0)),
                ("readings", models.PositiveIntegerField(default=0, verbose_name="readings")),
                ("accepted", models.PositiveIntegerField(default=0, verbose_name="new")),
                ("replaced", models.PositiveIntegerField(default=0, verbose_name="changed")),
                ("unchanged", models.PositiveIntegerField(default=0, verbose_name="unchanged")),
                ("superseded", models.PositiveIntegerField(default=0, verbose_name="older than what holds")),
                ("refused", models.PositiveIntegerField(default=0, verbose_name="refused")),
                ("unread", models.PositiveIntegerField(default=0, verbose_name="not read")),
                ("batches_done", models.PositiveIntegerField(default=0)),
                ("rows_done", models.PositiveIntegerField(default=0)),
                (
                    "api_key",
                    participants.tenancy.models.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "dso",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.dso",
                    ),
                ),
                (
                    "mapping",
                    participants.tenancy.models.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.columnmapping",
                        verbose_name="column mapping",
                    ),
                ),
                (
                    "same_as",
                    participants.tenancy.models.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.delivery",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent by",
                    ),
                ),
            ],
            options={
                "verbose_name": "file of readings",
                "verbose_name_plural": "files of readings",
                "ordering": ("-received_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="DeliveryBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("readings", models.PositiveIntegerField()),
                ("rows", models.BinaryField()),
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
                    "delivery",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.delivery",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeliveryChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
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
                    "delivery",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.delivery",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeliveryDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("point", models.CharField(max_length=18, verbose_name="metering point")),
                ("day", models.DateField(verbose_name="day")),
                ("accepted", models.PositiveSmallIntegerField()),
                ("replaced", models.PositiveSmallIntegerField()),
                ("unchanged", models.PositiveSmallIntegerField()),
                ("superseded", models.PositiveSmallIntegerField()),
                ("refused", models.PositiveSmallIntegerField()),
                ("imported_wh", models.PositiveBigIntegerField()),
                ("exported_wh", models.PositiveBigIntegerField()),
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
                    "delivery",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.delivery",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeliveryFault",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("line", models.PositiveIntegerField(verbose_name="line")),
                ("column", models.CharField(max_length=100, verbose_name="column")),
                ("text", models.TextField()),
                ("lines", models.PositiveIntegerField(verbose_name="lines")),
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
                    "delivery",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.delivery",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="columnmapping",
            constraint=models.UniqueConstraint(fields=("cluster", "name"), name="one_mapping_a_name"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["cluster", "sha256"], name="delivery_by_content"),
        ),
        migrations.AddConstraint(
            model_name="deliverybatch",
            constraint=models.UniqueConstraint(fields=("cluster", "delivery", "number"), name="one_batch_a_number"),
        ),
        migrations.AddConstraint(
            model_name="deliverychunk",
            constraint=models.UniqueConstraint(fields=("cluster", "delivery", "number"), name="one_chunk_a_number"),
        ),
        migrations.AddConstraint(
            model_name="deliveryday",
            constraint=models.UniqueConstraint(
                fields=("cluster", "delivery", "point", "day"), name="one_day_a_delivery"
            ),
        ),
        migrations.AddConstraint(
            model_name="deliveryfault",
            constraint=models.UniqueConstraint(fields=("cluster", "delivery", "number"), name="one_fault_a_number"),
        ),
        ProtectTenant("ColumnMapping"),
        ProtectTenant("Delivery"),
        ProtectTenant("DeliveryChunk"),
        ProtectTenant("DeliveryBatch"),
        ProtectTenant("DeliveryDay"),
        ProtectTenant("DeliveryFault"),
    ]
