import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant


class Migration(migrations.Migration):
    dependencies = [("metering", "0001_first_light"), ("participants", "0003_roles")]

    operations = [
        migrations.CreateModel(
            name="DsoArea",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.gridnode",
                        verbose_name="grid node",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="distributor's user",
                    ),
                ),
            ],
            options={
                "verbose_name": "distributor's area",
                "verbose_name_plural": "distributor's areas",
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "user", "grid_node"), name="one_area_a_node")
                ],
            },
        ),
        ProtectTenant("DsoArea"),
    ]
