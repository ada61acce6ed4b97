from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant

#: Deferred: an entry without postings and a document that says something else than its lines are refused when the
#: transaction ends, after its scope; the functions open the row's cluster themselves.
LAWS = """
CREATE FUNCTION check_entry_has_postings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := coalesce(current_setting('app.clusters', true), ''); posted boolean;
BEGIN
    PERFORM set_config('app.clusters', '{' || NEW.cluster_id || '}', true);
    posted := EXISTS (SELECT FROM billing_posting p WHERE p.cluster_id = NEW.cluster_id AND p.entry_id = NEW.id);
    PERFORM set_config('app.clusters', before, true);
    IF NOT posted THEN
        RAISE EXCEPTION 'journal entry % has no postings', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_has_postings AFTER INSERT ON billing_journalentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_entry_has_postings();

CREATE FUNCTION check_document_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := coalesce(current_setting('app.clusters', true), ''); net numeric; apart numeric;
BEGIN
    PERFORM set_config('app.clusters', '{' || NEW.cluster_id || '}', true);
    SELECT coalesce(sum(CASE WHEN l.before THEN -l.net_pln ELSE l.net_pln END), 0) INTO net
    FROM billing_documentline l WHERE l.cluster_id = NEW.cluster_id AND l.document_id = NEW.id;
    PERFORM set_config('app.clusters', before, true);
    SELECT coalesce(sum((e->>'amount_pln')::numeric), 0) INTO apart FROM jsonb_array_elements(NEW.settlements) e;
    IF net <> NEW.net_pln OR NEW.payable_pln <> NEW.net_pln + NEW.vat_pln + apart THEN
        RAISE EXCEPTION 'document %: its lines sum to %, its net is %', NEW.number, net, NEW.net_pln
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER document_sums AFTER INSERT ON billing_document
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_document_sums();

CREATE FUNCTION keep_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the month % is closed', to_char(OLD.month, 'YYYY-MM') USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER closed_period_stays BEFORE UPDATE OR DELETE ON billing_billingperiod
    FOR EACH ROW WHEN (OLD.state = 'closed') EXECUTE FUNCTION keep_closed_period();

-- What is issued or posted gets no further rows later: a new row's parent must be of the same transaction.
CREATE FUNCTION refuse_late_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now_xid bigint := pg_current_xact_id()::text::bigint; late bigint;
BEGIN
    -- xmin has 32 bits: of all transactions that it may mean it is the one nearest to ours.
    EXECUTE format(
        'SELECT p.id FROM (SELECT DISTINCT cluster_id, %1$I AS parent FROM added) a
         JOIN %2$I p ON p.cluster_id = a.cluster_id AND p.id = a.parent
         CROSS JOIN LATERAL (
             SELECT $1 + mod(p.xmin::text::bigint - ($1 & 4294967295) + 6442450944, 4294967296) - 2147483648 AS xid) x
         WHERE x.xid < 0 OR pg_xact_status(x.xid::text::xid8) IS DISTINCT FROM ''in progress'' LIMIT 1',
        TG_ARGV[0], TG_ARGV[1]) INTO late USING now_xid;
    IF late IS NOT NULL THEN
        RAISE EXCEPTION '% % is issued: nothing is added to it', TG_ARGV[1], late USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER no_late_rows AFTER INSERT ON billing_documentline REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_rows('document_id', 'billing_document');
CREATE TRIGGER no_late_rows AFTER INSERT ON billing_document REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_rows('bill_id', 'billing_bill');
CREATE TRIGGER no_late_rows AFTER INSERT ON billing_posting REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_rows('entry_id', 'billing_journalentry');

ALTER TABLE billing_bill ADD CONSTRAINT billing_bill_statement_id_tenant FOREIGN KEY (cluster_id, statement_id)
    REFERENCES billing_statement (cluster_id, id) DEFERRABLE INITIALLY IMMEDIATE;
"""
DROP_LAWS = """
ALTER TABLE billing_bill DROP CONSTRAINT billing_bill_statement_id_tenant;
DROP TRIGGER no_late_rows ON billing_documentline; DROP TRIGGER no_late_rows ON billing_document;
DROP TRIGGER no_late_rows ON billing_posting; DROP FUNCTION refuse_late_rows();
DROP TRIGGER closed_period_stays ON billing_billingperiod; DROP FUNCTION keep_closed_period();
DROP TRIGGER document_sums ON billing_document; DROP FUNCTION check_document_sums();
DROP TRIGGER entry_has_postings ON billing_journalentry; DROP FUNCTION check_entry_has_postings();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_settling"),
        ("participants", "0013_attach_partitions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BillingPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(verbose_name="month (its first day)")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("closing", "being closed"), ("closed", "closed")],
                        default="open",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("overrides", models.JSONField(blank=True, default=dict, verbose_name="closed all the same")),
                ("problem", models.TextField(blank=True, verbose_name="problem")),
                ("computed_at", models.DateTimeField(null=True, verbose_name="computed")),
                ("started_at", models.DateTimeField(null=True, verbose_name="closing began")),
                ("issued_on", models.DateField(null=True, verbose_name="issued on")),
                ("due_on", models.DateField(null=True, verbose_name="due on")),
                ("direct", models.JSONField(blank=True, default=list, editable=False)),
                ("last_statement", models.BigIntegerField(editable=False, null=True)),
                ("done_to", models.CharField(blank=True, editable=False, max_length=40)),
                ("done", models.PositiveIntegerField(default=0, verbose_name="participants done")),
                ("total", models.PositiveIntegerField(default=0, verbose_name="participants")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
            ],
            options={
                "verbose_name": "billing period",
                "verbose_name_plural": "billing periods",
                "ordering": ("-month",),
            },
        ),
        migrations.CreateModel(
            name="BillingTerms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateField(verbose_name="from")),
                (
                    "due_days",
                    models.PositiveSmallIntegerField(
                        default=14,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(90),
                        ],
                        verbose_name="due after (days)",
                    ),
                ),
                (
                    "correction_threshold_pln",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("0.00"),
                        max_digits=8,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="differences below this are carried on (PLN)",
                    ),
                ),
            ],
            options={
                "verbose_name": "terms of bills",
                "verbose_name_plural": "terms of bills",
                "ordering": ("-valid_from",),
            },
        ),
        migrations.AddField(
            model_name="bill",
            name="statement",
            field=participants.tenancy.models.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.statement",
                verbose_name="statement",
            ),
        ),
        migrations.AddField(
            model_name="journalentry",
            name="period",
            field=models.DateField(null=True, verbose_name="month (its first day)"),
        ),
        migrations.AddIndex(
            model_name="journalentry",
            index=models.Index(fields=["cluster", "period"], name="entries_by_period"),
        ),
        migrations.AddConstraint(
            model_name="bill",
            constraint=models.UniqueConstraint(
                condition=models.Q(("statement", None), _negated=True),
                fields=("cluster", "statement", "dso"),
                name="one_bill_a_statement",
                nulls_distinct=False,
            ),
        ),
        migrations.AddField(
            model_name="billingperiod",
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
            model_name="billingperiod",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="closed by",
            ),
        ),
        migrations.AddField(
            model_name="billingterms",
            name="cluster",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="participants.cluster",
            ),
        ),
        migrations.AddConstraint(
            model_name="billingperiod",
            constraint=models.UniqueConstraint(fields=("cluster", "month"), name="one_period_a_month"),
        ),
        migrations.AddConstraint(
            model_name="billingperiod",
            constraint=models.CheckConstraint(condition=models.Q(("month__day", 1)), name="period_first_day"),
        ),
        migrations.AddConstraint(
            model_name="billingperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("started_at", None), ("state", "open")),
                    models.Q(
                        ("due_on__isnull", False),
                        ("issued_on__isnull", False),
                        ("started_at__isnull", False),
                        ("state", "closing"),
                    ),
                    models.Q(("closed_at__isnull", False), ("last_statement__isnull", False), ("state", "closed")),
                    _connector="OR",
                ),
                name="period_states",
            ),
        ),
        migrations.AddConstraint(
            model_name="billingterms",
            constraint=models.UniqueConstraint(fields=("cluster", "valid_from"), name="one_billing_terms_a_day"),
        ),
        migrations.AddConstraint(
            model_name="billingterms",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_days__gte", 1), ("due_days__lte", 90)), name="due_within_days"
            ),
        ),
        migrations.AddConstraint(
            model_name="billingterms",
            constraint=models.CheckConstraint(
                condition=models.Q(("correction_threshold_pln__gte", 0)), name="threshold_not_negative"
            ),
        ),
        ProtectTenant("BillingPeriod"),
        ProtectTenant("BillingTerms"),
        migrations.RunSQL(LAWS, DROP_LAWS),
    ]
