import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant


class Migration(migrations.Migration):
    dependencies = [
        ("metering", "0002_areas"),
        ("participants", "0007_privacy"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReadingAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="when")),
                ("role", models.CharField(max_length=12, verbose_name="as")),
                ("readings_from", models.DateTimeField(verbose_name="readings from")),
                ("readings_to", models.DateTimeField(verbose_name="readings to (exclusive)")),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("point", "looked at a metering point"),
                            ("run", "looked at a settled quarter-hour"),
                            ("missing", "looked for missing readings"),
                            ("dataset", "exported the cluster's data"),
                            ("package", "exported a settlement package"),
                        ],
                        max_length=10,
                        verbose_name="what for",
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
                    "metering_point",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.meteringpoint",
                        verbose_name="metering point",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
            ],
            options={
                "verbose_name": "access to readings",
                "verbose_name_plural": "accesses to readings",
                "ordering": ("-at", "-id"),
                "indexes": [models.Index(fields=["cluster", "metering_point", "-at"], name="accesses_of_a_point")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("readings_to__gt", models.F("readings_from"))), name="accessed_span"
                    )
                ],
            },
        ),
        ProtectTenant("ReadingAccess"),
    ]
