import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.dated import exclude_overlap
from participants.tenancy.ddl import ProtectTenant

#: A bill is never paid beyond its amount, and no transfer pays more than it has. Who allocates to the same bill or from
#: the same transfer at once waits; each query below sees what was stored before the lock was got.
ALLOCATION_LAWS = """
CREATE FUNCTION check_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    payable numeric; paid numeric; amount numeric; given numeric; moved bigint;
BEGIN
    SELECT m.transaction_id INTO moved FROM billing_paymentmatch m
    WHERE m.cluster_id = NEW.cluster_id AND m.id = NEW.match_id;
    PERFORM pg_advisory_xact_lock(hashtextextended('bank transaction ' || moved, 0));
    PERFORM pg_advisory_xact_lock(hashtextextended('bill ' || NEW.bill_id, 0));
    SELECT b.payable_pln INTO payable FROM billing_bill b WHERE b.cluster_id = NEW.cluster_id AND b.id = NEW.bill_id;
    SELECT sum(a.amount_pln) INTO paid FROM billing_allocation a
    WHERE a.cluster_id = NEW.cluster_id AND a.bill_id = NEW.bill_id;
    IF paid * payable < 0 OR abs(paid) > abs(payable) THEN
        RAISE EXCEPTION 'bill % is payable with % but would be paid with %', NEW.bill_id, payable, paid
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT t.amount_pln INTO amount FROM billing_banktransaction t WHERE t.cluster_id = NEW.cluster_id AND t.id = moved;
    SELECT sum(a.amount_pln) INTO given FROM billing_allocation a
    JOIN billing_paymentmatch m ON m.cluster_id = a.cluster_id AND m.id = a.match_id
    WHERE a.cluster_id = NEW.cluster_id AND m.transaction_id = moved;
    IF given * amount < 0 OR abs(given) > abs(amount) THEN
        RAISE EXCEPTION 'transfer % has % but would pay %', moved, amount, given USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER allocation_laws AFTER INSERT ON billing_allocation FOR EACH ROW EXECUTE FUNCTION check_allocation();
"""
DROP_ALLOCATION_LAWS = "DROP TRIGGER allocation_laws ON billing_allocation; DROP FUNCTION check_allocation()"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_ledger_and_bills"),
        ("participants", "0013_attach_partitions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="banktransaction",
            name="file",
            field=participants.tenancy.models.TenantForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="transactions",
                to="billing.bankfile",
                verbose_name="bank file",
            ),
        ),
        migrations.CreateModel(
            name="PaymentMatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "how",
                    models.CharField(
                        choices=[
                            ("number", "number in the title"),
                            ("account", "account and amount"),
                            ("hand", "by hand"),
                            ("aside", "set aside"),
                            ("undo", "taken back"),
                        ],
                        max_length=10,
                        verbose_name="matched by",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
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
                    "credit_of",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.participant",
                        verbose_name="credit of",
                    ),
                ),
                (
                    "entry",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.journalentry",
                        verbose_name="journal entry",
                    ),
                ),
                (
                    "transaction",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matches",
                        to="billing.banktransaction",
                        verbose_name="bank transaction",
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
                "verbose_name": "match of a payment",
                "verbose_name_plural": "matches of payments",
                "ordering": ("transaction", "number"),
            },
        ),
        migrations.CreateModel(
            name="Allocation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount (PLN)")),
                ("paid_on", models.DateField(verbose_name="paid on")),
                (
                    "bill",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
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
                    "match",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="billing.paymentmatch",
                    ),
                ),
            ],
            options={
                "verbose_name": "payment of a bill",
                "verbose_name_plural": "payments of bills",
            },
        ),
        migrations.CreateModel(
            name="PaymentReminder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "step",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "friendly reminder"), (2, "reminder"), (3, "final demand")], verbose_name="step"
                    ),
                ),
                ("sent_on", models.DateField(verbose_name="sent on")),
                ("addresses", models.TextField(verbose_name="e-mail addresses")),
                ("open_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="open (PLN)")),
                (
                    "bill",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
            ],
            options={
                "verbose_name": "payment reminder",
                "verbose_name_plural": "payment reminders",
            },
        ),
        migrations.CreateModel(
            name="PayoutApproval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                (
                    "bill",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                "verbose_name": "approval of a payout",
                "verbose_name_plural": "approvals of payouts",
            },
        ),
        migrations.CreateModel(
            name="PayoutBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("execution_on", models.DateField(verbose_name="to be executed on")),
                ("count", models.PositiveIntegerField(verbose_name="transfers")),
                ("total_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="sum (PLN)")),
                ("content", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
            ],
            options={
                "verbose_name": "payout file",
                "verbose_name_plural": "payout files",
                "ordering": ("-number",),
            },
        ),
        migrations.CreateModel(
            name="PayoutItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount (PLN)")),
                ("iban", models.CharField(max_length=34, verbose_name="bank account (IBAN)")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("title", models.CharField(max_length=140, verbose_name="title")),
                (
                    "batch",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="billing.payoutbatch",
                    ),
                ),
                (
                    "bill",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
            ],
            options={
                "verbose_name": "payout",
                "verbose_name_plural": "payouts",
            },
        ),
        migrations.CreateModel(
            name="ReminderPause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                ("paused", models.BooleanField(verbose_name="paused")),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                (
                    "bill",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                "verbose_name": "pause of reminders",
                "verbose_name_plural": "pauses of reminders",
            },
        ),
        migrations.CreateModel(
            name="InterestDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                ("valid_from", models.DateField(verbose_name="first day")),
                ("valid_to", models.DateField(verbose_name="end (exclusive)")),
                ("amount_pln", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount (PLN)")),
                (
                    "what",
                    models.CharField(
                        choices=[("charged", "charged"), ("waived", "waived")], max_length=8, verbose_name="decision"
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
                (
                    "bill",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                    "document",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.document",
                        verbose_name="document",
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
                "verbose_name": "interest on a bill",
                "verbose_name_plural": "interest on bills",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("valid_to__gt", models.F("valid_from"))), name="interest_days"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("amount_pln__gt", 0), ("document__isnull", False), ("what", "charged")),
                            models.Q(("document", None), ("what", "waived"), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="interest_charged_or_waived",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="paymentmatch",
            constraint=models.UniqueConstraint(fields=("cluster", "transaction", "number"), name="one_match_at_a_time"),
        ),
        migrations.AddConstraint(
            model_name="paymentmatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("credit_of", None), ("entry", None), ("how", "aside")),
                    models.Q(("how", "aside"), _negated=True),
                    _connector="OR",
                ),
                name="aside_posts_nothing",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentmatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("how__in", ["aside", "undo"]), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="match_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_pln", 0), _negated=True), name="allocation_of_money"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentreminder",
            constraint=models.UniqueConstraint(fields=("cluster", "bill", "step"), name="each_step_once"),
        ),
        migrations.AddConstraint(
            model_name="paymentreminder",
            constraint=models.CheckConstraint(
                condition=models.Q(("step__gte", 1), ("step__lte", 3)), name="three_steps"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutapproval",
            constraint=models.UniqueConstraint(fields=("cluster", "bill"), name="one_approval"),
        ),
        migrations.AddConstraint(
            model_name="payoutbatch",
            constraint=models.UniqueConstraint(fields=("cluster", "number"), name="one_payout_file_a_number"),
        ),
        migrations.AddConstraint(
            model_name="payoutbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("count__gt", 0), ("total_pln__gt", 0)), name="payout_file_of_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.UniqueConstraint(fields=("cluster", "bill"), name="paid_out_once"),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.CheckConstraint(condition=models.Q(("amount_pln__gt", 0)), name="payout_of_money"),
        ),
        migrations.AddConstraint(
            model_name="reminderpause",
            constraint=models.CheckConstraint(condition=models.Q(("reason", ""), _negated=True), name="pause_says_why"),
        ),
        ProtectTenant("PaymentMatch"),
        ProtectTenant("Allocation"),
        ProtectTenant("PayoutApproval"),
        ProtectTenant("PayoutBatch"),
        ProtectTenant("PayoutItem"),
        ProtectTenant("InterestDecision"),
        ProtectTenant("PaymentReminder"),
        ProtectTenant("ReminderPause"),
        exclude_overlap("billing_interestdecision", "bill_id"),
        migrations.RunSQL(ALLOCATION_LAWS, DROP_ALLOCATION_LAWS),
    ]
