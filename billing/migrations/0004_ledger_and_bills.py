import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant

#: Looked at when the transaction ends, after its scope: the function opens the entry's cluster itself.
BALANCED = """
CREATE FUNCTION check_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := coalesce(current_setting('app.clusters', true), ''); remains numeric;
BEGIN
    PERFORM set_config('app.clusters', '{' || NEW.cluster_id || '}', true);
    SELECT sum(p.amount_pln) INTO remains FROM billing_posting p
    WHERE p.cluster_id = NEW.cluster_id AND p.entry_id = NEW.entry_id;
    PERFORM set_config('app.clusters', before, true);
    IF remains <> 0 THEN
        RAISE EXCEPTION 'journal entry % does not balance: % PLN remain', NEW.entry_id, remains
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT OR UPDATE ON billing_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_entry_balances();
"""
DROP_BALANCED = "DROP TRIGGER entry_balances ON billing_posting; DROP FUNCTION check_entry_balances()"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_relief_of_months"),
        ("participants", "0013_attach_partitions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("participant", "participant"),
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
                    "participant",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.participant",
                        verbose_name="participant",
                    ),
                ),
            ],
            options={
                "verbose_name": "account of the ledger",
                "verbose_name_plural": "accounts of the ledger",
            },
        ),
        migrations.CreateModel(
            name="Bill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(max_length=40, verbose_name="number")),
                ("period", models.DateField(null=True, verbose_name="month (its first day)")),
                ("issued_on", models.DateField(verbose_name="issued on")),
                ("due_on", models.DateField(verbose_name="due on")),
                ("payable_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="payable (PLN)")),
                ("creditor", models.JSONField()),
                ("party", models.JSONField()),
                ("energy", models.JSONField(default=list)),
                ("promises", models.JSONField(default=list)),
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
                    "dso",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.dso",
                        verbose_name="distributor",
                    ),
                ),
                (
                    "participant",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.participant",
                        verbose_name="participant",
                    ),
                ),
            ],
            options={
                "verbose_name": "bill",
                "verbose_name_plural": "bills",
                "ordering": ("-issued_on", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("sale", "invoice"),
                            ("self_billing", "self-billing invoice"),
                            ("note", "settlement note"),
                            ("grid", "grid fees of the distributor"),
                            ("interest", "interest note"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("number", models.CharField(max_length=40, verbose_name="number")),
                ("issued_on", models.DateField(verbose_name="issued on")),
                ("first", models.DateField(verbose_name="first day")),
                ("end", models.DateField(verbose_name="end (exclusive)")),
                ("seller", models.JSONField()),
                ("buyer", models.JSONField()),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
                ("settlements", models.JSONField(default=list)),
                ("net_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="net (PLN)")),
                ("vat_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="VAT (PLN)")),
                ("payable_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="payable (PLN)")),
                (
                    "bill",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="billing.bill",
                        verbose_name="bill",
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
                    "corrects",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.document",
                        verbose_name="corrects",
                    ),
                ),
            ],
            options={
                "verbose_name": "document",
                "verbose_name_plural": "documents",
                "ordering": ("-issued_on", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="DocumentLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                ("before", models.BooleanField(default=False)),
                ("metering_point", models.CharField(blank=True, max_length=18)),
                ("component", models.CharField(max_length=40)),
                ("zone", models.CharField(blank=True, max_length=40)),
                ("sharing_level", models.CharField(blank=True, max_length=40)),
                ("first", models.DateField()),
                ("end", models.DateField()),
                ("quantity", models.DecimalField(decimal_places=9, max_digits=20)),
                ("unit", models.CharField(max_length=12)),
                ("unit_price_pln", models.DecimalField(decimal_places=6, max_digits=14, null=True)),
                ("net_pln", models.DecimalField(decimal_places=2, max_digits=14)),
                ("vat_rate", models.DecimalField(decimal_places=4, max_digits=5, null=True)),
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
                    "document",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.document",
                    ),
                ),
            ],
            options={
                "verbose_name": "line of a document",
                "verbose_name_plural": "lines of documents",
                "ordering": ("document", "position"),
            },
        ),
        migrations.CreateModel(
            name="JournalEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveBigIntegerField(verbose_name="number")),
                ("booked_on", models.DateField(verbose_name="booked on")),
                ("text", models.CharField(max_length=200, verbose_name="text")),
                ("posted_at", models.DateTimeField(verbose_name="posted at")),
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
                    "document",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.document",
                        verbose_name="document",
                    ),
                ),
                (
                    "reverses",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.journalentry",
                        verbose_name="reverses",
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
                "verbose_name": "journal entry",
                "verbose_name_plural": "journal entries",
                "ordering": ("-number",),
            },
        ),
        migrations.CreateModel(
            name="NumberSeries",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("series", models.CharField(max_length=10)),
                ("year", models.PositiveSmallIntegerField()),
                ("last", models.PositiveIntegerField(default=0)),
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
                "verbose_name": "series of numbers",
                "verbose_name_plural": "series of numbers",
            },
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount (PLN)")),
                (
                    "account",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.account",
                        verbose_name="account",
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
                    "entry",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postings",
                        to="billing.journalentry",
                        verbose_name="journal entry",
                    ),
                ),
            ],
            options={
                "verbose_name": "posting",
                "verbose_name_plural": "postings",
            },
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                fields=("cluster", "kind", "participant"), name="one_account_a_kind", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "participant"), ("participant__isnull", False)),
                    models.Q(models.Q(("kind", "participant"), _negated=True), ("participant", None)),
                    _connector="OR",
                ),
                name="account_of_a_participant",
            ),
        ),
        migrations.AddIndex(
            model_name="bill",
            index=models.Index(fields=["cluster", "period"], name="bills_by_period"),
        ),
        migrations.AddConstraint(
            model_name="bill",
            constraint=models.UniqueConstraint(fields=("cluster", "reference"), name="one_bill_a_reference"),
        ),
        migrations.AddConstraint(
            model_name="bill",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_on__gte", models.F("issued_on"))), name="bill_due_after_issue"
            ),
        ),
        migrations.AddConstraint(
            model_name="bill",
            constraint=models.CheckConstraint(
                condition=models.Q(("period", None), ("period__day", 1), _connector="OR"), name="bill_month_first_day"
            ),
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(fields=["cluster", "issued_on"], name="documents_by_issue"),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(fields=("cluster", "number"), name="one_document_a_number"),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(fields=("cluster", "bill", "position"), name="one_document_a_position"),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(condition=models.Q(("end__gt", models.F("first"))), name="document_days"),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(("corrects", None), models.Q(("reason", ""), _negated=True), _connector="OR"),
                name="correction_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="documentline",
            constraint=models.UniqueConstraint(
                fields=("cluster", "document", "position", "before"), name="one_document_line_a_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="documentline",
            constraint=models.CheckConstraint(
                condition=models.Q(("end__gt", models.F("first"))), name="document_line_days"
            ),
        ),
        migrations.AddConstraint(
            model_name="journalentry",
            constraint=models.UniqueConstraint(fields=("cluster", "number"), name="one_entry_a_number"),
        ),
        migrations.AddConstraint(
            model_name="journalentry",
            constraint=models.UniqueConstraint(fields=("cluster", "reverses"), name="reversed_once"),
        ),
        migrations.AddConstraint(
            model_name="numberseries",
            constraint=models.UniqueConstraint(fields=("cluster", "series", "year"), name="one_series_a_year"),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.UniqueConstraint(fields=("cluster", "entry", "account"), name="one_posting_an_account"),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_pln", 0), _negated=True), name="posting_of_money"
            ),
        ),
        ProtectTenant("Account"),
        ProtectTenant("NumberSeries"),
        ProtectTenant("Bill"),
        ProtectTenant("Document"),
        ProtectTenant("DocumentLine"),
        ProtectTenant("JournalEntry"),
        ProtectTenant("Posting"),
        migrations.RunSQL(BALANCED, DROP_BALANCED),
    ]
