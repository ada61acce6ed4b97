import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant

LINK = """
ALTER TABLE billing_paymentmatch ADD CONSTRAINT billing_paymentmatch_account_id_tenant
    FOREIGN KEY (cluster_id, account_id)
    REFERENCES billing_account (cluster_id, id) DEFERRABLE INITIALLY IMMEDIATE;
"""
DROP_LINK = "ALTER TABLE billing_paymentmatch DROP CONSTRAINT billing_paymentmatch_account_id_tenant"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0011_numbers_without_gaps"),
        ("participants", "0014_dso_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DistributorInvoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.DateField(verbose_name="month (its first day)")),
                ("number", models.CharField(max_length=100, verbose_name="number")),
                ("attempt", models.PositiveSmallIntegerField(default=1, verbose_name="attempt")),
                ("issued_on", models.DateField(verbose_name="issued on")),
                ("net_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="net total (PLN)")),
                ("vat_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="VAT (PLN)")),
                ("noted_at", models.DateTimeField(verbose_name="noted")),
            ],
            options={
                "verbose_name": "invoice of the distributor",
                "verbose_name_plural": "invoices of the distributor",
                "ordering": ("pk",),
            },
        ),
        migrations.AddField(
            model_name="paymentmatch",
            name="account",
            field=participants.tenancy.models.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.account",
                verbose_name="account of the ledger",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentmatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("account", None),
                    models.Q(("credit_of", None), ("entry__isnull", False), ("how__in", ["account", "hand"])),
                    _connector="OR",
                ),
                name="match_outside_is_posted",
            ),
        ),
        migrations.AddField(
            model_name="distributorinvoice",
            name="cluster",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="participants.cluster",
            ),
        ),
        migrations.AddField(
            model_name="distributorinvoice",
            name="entry",
            field=participants.tenancy.models.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.journalentry",
                verbose_name="journal entry",
            ),
        ),
        migrations.AddField(
            model_name="distributorinvoice",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="noted by",
            ),
        ),
        migrations.AddConstraint(
            model_name="distributorinvoice",
            constraint=models.UniqueConstraint(fields=("cluster", "number", "attempt"), name="one_distributor_invoice"),
        ),
        migrations.AddConstraint(
            model_name="distributorinvoice",
            constraint=models.UniqueConstraint(fields=("cluster", "entry"), name="one_invoice_an_entry"),
        ),
        migrations.AddConstraint(
            model_name="distributorinvoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("period__day", 1)), name="distributor_invoice_first_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="distributorinvoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("number", ""), _negated=True), name="distributor_invoice_has_a_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="distributorinvoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("vat_pln__gt", 0), ("vat_pln__lte", models.F("net_pln"))),
                    models.Q(("vat_pln__gte", models.F("net_pln")), ("vat_pln__lt", 0)),
                    _connector="OR",
                ),
                name="distributor_vat_is_of_the_net",
            ),
        ),
        ProtectTenant("DistributorInvoice"),
        migrations.RunSQL(LINK, DROP_LINK),
    ]
