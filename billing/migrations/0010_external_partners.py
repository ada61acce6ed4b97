import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models

LINKS = """
ALTER TABLE billing_account ADD CONSTRAINT billing_account_partner_id_tenant FOREIGN KEY (cluster_id, partner_id)
    REFERENCES contracts_externalpartner (cluster_id, id) DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE billing_journalentry ADD CONSTRAINT billing_journalentry_settlement_id_tenant
    FOREIGN KEY (cluster_id, settlement_id)
    REFERENCES clearing_externalsettlement (cluster_id, id) DEFERRABLE INITIALLY IMMEDIATE;
"""
DROP_LINKS = """
ALTER TABLE billing_journalentry DROP CONSTRAINT billing_journalentry_settlement_id_tenant;
ALTER TABLE billing_account DROP CONSTRAINT billing_account_partner_id_tenant;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_kept_outside_ksef"),
        ("clearing", "0002_external_settlement"),
        ("contracts", "0010_discounts_of_the_book"),
        ("participants", "0014_dso_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="account",
            name="one_account_a_kind",
        ),
        migrations.RemoveConstraint(
            model_name="account",
            name="account_of_a_participant",
        ),
        migrations.AddField(
            model_name="account",
            name="partner",
            field=participants.tenancy.models.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="contracts.externalpartner",
                verbose_name="external partner",
            ),
        ),
        migrations.AddField(
            model_name="journalentry",
            name="settlement",
            field=participants.tenancy.models.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="clearing.externalsettlement",
                verbose_name="external settlement",
            ),
        ),
        migrations.AlterField(
            model_name="account",
            name="kind",
            field=models.CharField(
                choices=[
                    ("participant", "participant"),
                    ("partner", "external partner"),
                    ("bank", "bank"),
                    ("market", "energy market"),
                    ("distributor", "distributor"),
                    ("service_fee", "service fees"),
                    ("excise", "excise"),
                    ("vat_due", "VAT due"),
                    ("vat_deductible", "VAT deductible"),
                    ("assurance", "assurance"),
                    ("rounding", "rounding"),
                    ("carried", "carried over"),
                    ("interest", "interest for late payment"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                fields=("cluster", "kind", "participant", "partner"), name="one_account_a_kind", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "participant"), ("participant__isnull", False), ("partner", None)),
                    models.Q(("kind", "partner"), ("participant", None), ("partner__isnull", False)),
                    models.Q(
                        models.Q(("kind__in", ["participant", "partner"]), _negated=True),
                        ("participant", None),
                        ("partner", None),
                    ),
                    _connector="OR",
                ),
                name="account_of_its_owner",
            ),
        ),
        migrations.AddConstraint(
            model_name="journalentry",
            constraint=models.UniqueConstraint(fields=("cluster", "settlement"), name="settlement_posted_once"),
        ),
        migrations.RunSQL(LINKS, DROP_LINKS),
    ]
