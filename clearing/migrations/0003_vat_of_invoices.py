from django.db import migrations, models

#: What was approved before counts with no VAT; a correcting version brings it. Only drafts have no invoice.
NOT_NOTED = "UPDATE clearing_externalsettlement SET invoice_vat_pln = NULL WHERE invoice_number = ''"


class Migration(migrations.Migration):
    dependencies = [
        ("clearing", "0002_external_settlement"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="externalsettlement", name="external_invoice_whole"),
        migrations.AddField(
            model_name="externalsettlement",
            name="invoice_vat_pln",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                default=0,
                max_digits=14,
                null=True,
                verbose_name="VAT of the invoice (PLN)",
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(NOT_NOTED, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="externalsettlement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("invoice_date", None),
                        ("invoice_net_pln", None),
                        ("invoice_number", ""),
                        ("invoice_vat_pln", None),
                    ),
                    models.Q(
                        models.Q(("invoice_number", ""), _negated=True),
                        ("invoice_date__isnull", False),
                        ("invoice_net_pln__isnull", False),
                        ("invoice_vat_pln__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="external_invoice_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="externalsettlement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("invoice_vat_pln__gte", 0), ("invoice_vat_pln__lte", models.F("invoice_net_pln"))),
                    models.Q(("invoice_vat_pln__gte", models.F("invoice_net_pln")), ("invoice_vat_pln__lte", 0)),
                    _connector="OR",
                ),
                name="external_vat_is_of_the_net",
            ),
        ),
    ]
