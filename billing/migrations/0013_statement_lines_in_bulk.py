"""Lines of statements are checked per statement of SQL: 32,000 of them took 0.75 s of foreign keys, row by row."""

import django.db.models.deletion
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.bulk_links import create_links, drop_links

TABLE = "billing_statementline"
LINKS = [("statement_id", "billing_statement"), ("metering_point_id", "metering_meteringpoint")]
ROW_BY_ROW = "; ".join(
    f"ALTER TABLE {TABLE} ADD CONSTRAINT {TABLE}_{column}_tenant FOREIGN KEY (cluster_id, {column}) "
    f"REFERENCES {target} (cluster_id, id) DEFERRABLE INITIALLY IMMEDIATE"
    for column, target in LINKS
)
NOT_ROW_BY_ROW = "; ".join(f"ALTER TABLE {TABLE} DROP CONSTRAINT {TABLE}_{column}_tenant" for column, _ in LINKS)
OWN_TRIGGERS = [f"DROP TRIGGER tenant_links_{event} ON {TABLE}" for event in ("insert", "update")]


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_paid_outside")]

    operations = [
        migrations.AlterField(
            model_name="statementline",
            name="cluster",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="participants.cluster",
            ),
        ),
        migrations.AlterField(
            model_name="statementline",
            name="statement",
            field=participants.tenancy.models.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="billing.statement",
            ),
        ),
        migrations.RunSQL(NOT_ROW_BY_ROW, ROW_BY_ROW),
        migrations.RunSQL("; ".join(create_links(TABLE, LINKS)), "; ".join([*OWN_TRIGGERS, *drop_links(TABLE, LINKS)])),
    ]
