import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from participants.tenancy.audit import AUDIT_FUNCTIONS, DROP_AUDIT
from participants.tenancy.ddl import ProtectTenant


class Migration(migrations.Migration):
    dependencies = [("participants", "0003_roles")]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                (
                    "operation",
                    models.CharField(
                        choices=[
                            ("insert", "created"),
                            ("update", "changed"),
                            ("delete", "deleted"),
                            ("erase", "personal data erased"),
                        ],
                        max_length=10,
                        verbose_name="what",
                    ),
                ),
                ("table_name", models.CharField(max_length=63, verbose_name="table")),
                ("row_id", models.BigIntegerField(verbose_name="row")),
                ("before", models.JSONField(null=True, verbose_name="before")),
                ("after", models.JSONField(null=True, verbose_name="after")),
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
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
            ],
            options={
                "verbose_name": "change",
                "verbose_name_plural": "history of changes",
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["cluster", "table_name", "row_id", "-id"], name="history_of_a_row")],
            },
        ),
        ProtectTenant("Change"),
        migrations.RunSQL(AUDIT_FUNCTIONS, DROP_AUDIT),
    ]
