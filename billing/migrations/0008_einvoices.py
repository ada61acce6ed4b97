import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant

FREEZE = """
-- What KSeF has taken stays as it was taken; only its receipt is added, once.
CREATE FUNCTION keep_einvoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR (OLD.state = 'accepted' AND (
            ROW(NEW.cluster_id, NEW.document_id, NEW.state, NEW.xml, NEW.xml_hash, NEW.session, NEW.reference, NEW.ksef_number)
            IS DISTINCT FROM
            ROW(OLD.cluster_id, OLD.document_id, OLD.state, OLD.xml, OLD.xml_hash, OLD.session, OLD.reference, OLD.ksef_number)
            OR (OLD.receipt IS NOT NULL AND NEW.receipt IS DISTINCT FROM OLD.receipt)))
    THEN
        RAISE EXCEPTION 'an e-invoice that went to KSeF stays as it is' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER einvoice_stays BEFORE UPDATE OR DELETE ON billing_einvoice
    FOR EACH ROW WHEN (OLD.state IN ('sending', 'sent', 'accepted')) EXECUTE FUNCTION keep_einvoice();
"""
THAW = "DROP TRIGGER einvoice_stays ON billing_einvoice; DROP FUNCTION keep_einvoice();"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_bills_on_their_way"),
        ("participants", "0014_dso_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="billingterms",
            name="to_ksef",
            field=models.BooleanField(default=False, verbose_name="invoices go to KSeF"),
        ),
        migrations.CreateModel(
            name="EInvoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("sending", "being sent"),
                            ("sent", "sent, KSeF checks it"),
                            ("accepted", "accepted"),
                            ("refused", "refused by KSeF"),
                            ("faulty", "can't be made"),
                        ],
                        default="queued",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                ("xml", models.BinaryField(null=True, verbose_name="XML")),
                ("xml_hash", models.CharField(blank=True, max_length=44, verbose_name="digest of the XML (SHA-256)")),
                ("session", models.CharField(blank=True, max_length=64, verbose_name="session")),
                ("reference", models.CharField(blank=True, max_length=64, verbose_name="reference of KSeF")),
                ("ksef_number", models.CharField(blank=True, max_length=40, verbose_name="KSeF number")),
                ("receipt", models.BinaryField(null=True, verbose_name="official receipt (UPO)")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("not_before", models.DateTimeField(verbose_name="not before")),
                ("queued_at", models.DateTimeField(verbose_name="queued")),
                ("changed_at", models.DateTimeField(verbose_name="changed")),
                (
                    "changed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent again by",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="einvoices",
                        to="billing.document",
                        verbose_name="document",
                    ),
                ),
            ],
            options={
                "verbose_name": "e-invoice",
                "verbose_name_plural": "e-invoices",
                "ordering": ("-pk",),
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "document"), name="one_einvoice_a_document"),
                    models.UniqueConstraint(
                        condition=models.Q(("ksef_number", ""), _negated=True),
                        fields=("cluster", "ksef_number"),
                        name="one_einvoice_a_number",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "sending", "sent", "accepted", "refused", "faulty"])
                        ),
                        name="einvoice_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "accepted"), models.Q(("ksef_number", ""), _negated=True)),
                            models.Q(models.Q(("state", "accepted"), _negated=True), ("ksef_number", "")),
                            _connector="OR",
                        ),
                        name="einvoice_accepted_with_number",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["sending", "sent", "accepted"]), _negated=True),
                            models.Q(("xml__isnull", False), models.Q(("session", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="einvoice_on_its_way_with_xml",
                    ),
                ],
            },
        ),
        ProtectTenant("EInvoice"),
        migrations.RunSQL(FREEZE, THAW),
    ]
