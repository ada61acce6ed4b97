import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import participants.tenancy.models
from participants.tenancy.ddl import ProtectTenant

# Read before a scope can be known, so it runs as the owner; it gives nothing but where one user has applied.
APPLICATIONS_OF_USER = """
CREATE FUNCTION applications_of_user(wanted bigint) RETURNS TABLE (cluster_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT a.cluster_id FROM participants_application a
    WHERE a.user_id = wanted AND a.status <> 'admitted' ORDER BY 1
$$
"""
DROP_APPLICATIONS_OF_USER = "DROP FUNCTION applications_of_user(bigint)"
PROTECTED = ("Invitation", "Application", "ApplicationPoint", "ApplicationDocument", "ApplicationEvent", "Complaint")


class Migration(migrations.Migration):
    dependencies = [
        ("participants", "0004_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Application",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("submitted", "in review"),
                            ("questions", "waits for the applicant's answer"),
                            ("at_dso", "at the distributor"),
                            ("objected", "distributor objected"),
                            ("confirmed", "confirmed by the distributor"),
                            ("admitted", "admitted"),
                            ("refused", "refused"),
                            ("withdrawn", "taken back"),
                        ],
                        default="draft",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("language", models.CharField(max_length=10, verbose_name="language")),
                ("created_at", models.DateTimeField(verbose_name="started")),
                ("submitted_at", models.DateTimeField(blank=True, null=True, verbose_name="sent in")),
                (
                    "legal_form",
                    models.CharField(
                        blank=True,
                        choices=[("person", "person"), ("company", "company"), ("public", "public body")],
                        max_length=10,
                        verbose_name="legal form",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[("consumer", "consumer"), ("prosumer", "prosumer"), ("producer", "producer")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail address")),
                ("nip", models.CharField(blank=True, max_length=10, verbose_name="tax number (NIP)")),
                ("regon", models.CharField(blank=True, max_length=14, verbose_name="register number (REGON)")),
                ("vat_payer", models.BooleanField(default=False, verbose_name="VAT payer")),
                ("street", models.CharField(blank=True, max_length=200, verbose_name="street and number")),
                ("postcode", models.CharField(blank=True, max_length=12, verbose_name="postcode")),
                ("city", models.CharField(blank=True, max_length=100, verbose_name="city")),
                ("country", models.CharField(default="PL", max_length=2, verbose_name="country")),
                ("iban", models.CharField(blank=True, max_length=34, verbose_name="bank account (IBAN)")),
                ("start_day", models.DateField(blank=True, null=True, verbose_name="can begin on")),
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
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.participant",
                        verbose_name="participant",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="applicant",
                    ),
                ),
            ],
            options={
                "verbose_name": "application",
                "verbose_name_plural": "applications",
                "ordering": ("submitted_at", "created_at"),
            },
        ),
        migrations.CreateModel(
            name="ApplicationDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("content_type", models.CharField(max_length=40)),
                ("content", models.BinaryField()),
                ("size", models.PositiveIntegerField(verbose_name="size (bytes)")),
                ("uploaded_at", models.DateTimeField(verbose_name="uploaded")),
                (
                    "application",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="participants.application",
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
                "verbose_name": "document",
                "verbose_name_plural": "documents",
                "ordering": ("uploaded_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="ApplicationEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="time")),
                ("step", models.CharField(max_length=10, verbose_name="step")),
                ("actor", models.CharField(max_length=12, verbose_name="by")),
                ("text", models.TextField(blank=True, verbose_name="text")),
                (
                    "application",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="participants.application",
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "step of an application",
                "verbose_name_plural": "steps of applications",
                "ordering": ("at", "id"),
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[("consumer", "consumer"), ("prosumer", "prosumer"), ("producer", "producer")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "legal_form",
                    models.CharField(
                        blank=True,
                        choices=[("person", "person"), ("company", "company"), ("public", "public body")],
                        max_length=10,
                        verbose_name="legal form",
                    ),
                ),
                ("token_sha256", models.CharField(editable=False, max_length=64)),
                ("created_at", models.DateTimeField(verbose_name="sent")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used")),
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
                    "invited_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="invited by",
                    ),
                ),
            ],
            options={
                "verbose_name": "invitation",
                "verbose_name_plural": "invitations",
                "ordering": ("-created_at", "email"),
            },
        ),
        migrations.AddField(
            model_name="application",
            name="invitation",
            field=participants.tenancy.models.TenantForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="participants.invitation",
                verbose_name="invitation",
            ),
        ),
        migrations.CreateModel(
            name="ApplicationPoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=18, verbose_name="code (PPE)")),
                ("tariff_group", models.CharField(max_length=20, verbose_name="tariff group")),
                (
                    "contracted_power_kw",
                    models.DecimalField(decimal_places=3, max_digits=10, verbose_name="contracted power (kW)"),
                ),
                ("phases", models.PositiveSmallIntegerField(verbose_name="phases")),
                ("yearly_use_kwh", models.PositiveIntegerField(verbose_name="yearly use (kWh)")),
                (
                    "generation_source",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("sun", "sun"),
                            ("wind", "wind"),
                            ("water", "water"),
                            ("biogas", "biogas"),
                            ("cogeneration", "cogeneration"),
                            ("other", "another"),
                        ],
                        max_length=12,
                        verbose_name="generation from",
                    ),
                ),
                (
                    "generation_capacity_kw",
                    models.DecimalField(
                        decimal_places=3, default=0, max_digits=10, verbose_name="generation capacity (kW)"
                    ),
                ),
                ("grid_node", models.CharField(blank=True, max_length=40, verbose_name="grid node")),
                (
                    "application",
                    participants.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="points",
                        to="participants.application",
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
                "verbose_name": "metering point of an application",
                "verbose_name_plural": "metering points of applications",
                "ordering": ("code",),
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "application", "code"), name="one_applied_point_a_code"),
                    models.CheckConstraint(condition=models.Q(("phases__in", [1, 3])), name="applied_phases_1_or_3"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("generation_capacity_kw", 0), ("generation_source", "")),
                            models.Q(
                                models.Q(("generation_source", ""), _negated=True), ("generation_capacity_kw__gt", 0)
                            ),
                            _connector="OR",
                        ),
                        name="source_goes_with_capacity",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Complaint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=200, verbose_name="subject")),
                ("text", models.TextField(verbose_name="what is wrong")),
                ("language", models.CharField(max_length=10, verbose_name="language")),
                ("made_at", models.DateTimeField(verbose_name="lodged")),
                ("due_on", models.DateField(verbose_name="answer due on")),
                ("answer", models.TextField(blank=True, verbose_name="answer")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="answered")),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="answered by",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.participant",
                        verbose_name="participant",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="written by",
                    ),
                ),
            ],
            options={
                "verbose_name": "complaint",
                "verbose_name_plural": "complaints",
                "ordering": ("-made_at",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("answered_at", None), ("answered_by", None)),
                            models.Q(
                                models.Q(("answer", ""), _negated=True),
                                ("answered_at__isnull", False),
                                ("answered_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="an_answer_is_whole",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(fields=("cluster", "token_sha256"), name="one_invitation_a_token"),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "draft")), fields=("cluster", "user"), name="one_draft_a_user"
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("participant__isnull", False), ("status", "admitted")),
                    models.Q(models.Q(("status", "admitted"), _negated=True), ("participant__isnull", True)),
                    _connector="OR",
                ),
                name="admitted_has_a_participant",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["confirmed", "admitted"]), _negated=True),
                    models.Q(("start_day", None), _negated=True),
                    _connector="OR",
                ),
                name="confirmed_has_a_start",
            ),
        ),
        *[ProtectTenant(name) for name in PROTECTED],
        migrations.RunSQL(APPLICATIONS_OF_USER, DROP_APPLICATIONS_OF_USER),
    ]
