"""How somebody comes into a cluster: invitations, applications and all that belongs to them; and complaints."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.application_words import STEPS
from participants.kinds import Kind, LegalForm
from participants.tenancy.models import TenantForeignKey, TenantModel


class ClusterPage(TenantModel):
    """What the coordinator tells everybody about the cluster, in both languages; either may be missing."""

    text_pl = models.TextField(_("about the cluster, in Polish"), max_length=4000, blank=True)
    text_en = models.TextField(_("about the cluster, in English"), max_length=4000, blank=True)
    contact = models.CharField(
        _("contact"), max_length=200, blank=True, help_text=_("E-mail address or telephone, for questions.")
    )

    class Meta:
        verbose_name = _("public page")
        verbose_name_plural = _("public page")
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster"], name="one_page_a_cluster")]

    def __str__(self) -> str:
        return self.cluster.name

    def text(self, language: str) -> tuple[str, str]:
        """The text and its language: the reader's own if there is one."""
        texts = {"pl": self.text_pl.strip(), "en": self.text_en.strip()}
        order = [language, *(other for other in texts if other != language)]
        return next(((texts[name], name) for name in order if texts.get(name)), ("", language))


class Invitation(TenantModel):
    """A link that one e-mail address may apply with; only the hash of its token is kept."""

    secret_columns = ("token_sha256",)

    email = models.EmailField(_("e-mail address"))
    name = models.CharField(_("name"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, blank=True)
    legal_form = models.CharField(_("legal form"), max_length=10, choices=LegalForm, blank=True)
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE
    )
    token_sha256 = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("sent"))
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("invited by")
    )

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("-created_at", "email")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "token_sha256"], name="one_invitation_a_token"),
        ]

    def __str__(self) -> str:
        return self.email


class Application(TenantModel):
    """Somebody's wish to join; a draft may lack anything. Its steps stand in domain/application_steps.py."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("in review")
        QUESTIONS = "questions", _("waits for the applicant's answer")
        AT_DSO = "at_dso", _("at the distributor")
        OBJECTED = "objected", _("distributor objected")
        CONFIRMED = "confirmed", _("confirmed by the distributor")
        ADMITTED = "admitted", _("admitted")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("taken back")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("applicant")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    language = models.CharField(_("language"), max_length=10)
    invitation = TenantForeignKey(Invitation, null=True, blank=True, verbose_name=_("invitation"))
    created_at = models.DateTimeField(_("started"))
    submitted_at = models.DateTimeField(_("sent in"), null=True, blank=True)

    legal_form = models.CharField(_("legal form"), max_length=10, choices=LegalForm, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    nip = models.CharField(_("tax number (NIP)"), max_length=10, blank=True)
    regon = models.CharField(_("register number (REGON)"), max_length=14, blank=True)
    vat_payer = models.BooleanField(_("VAT payer"), default=False)
    street = models.CharField(_("street and number"), max_length=200, blank=True)
    postcode = models.CharField(_("postcode"), max_length=12, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, default="PL")
    iban = models.CharField(_("bank account (IBAN)"), max_length=34, blank=True)

    start_day = models.DateField(_("can begin on"), null=True, blank=True)
    #: When all that was written here was removed at the applicant's wish.
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)
    participant = TenantForeignKey("participants.Participant", null=True, blank=True, verbose_name=_("participant"))

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ("submitted_at", "created_at")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "user"], condition=Q(status="draft"), name="one_draft_a_user"),
            models.CheckConstraint(
                name="admitted_has_a_participant",
                condition=Q(status="admitted", participant__isnull=False)
                | (~Q(status="admitted") & Q(participant__isnull=True)),
            ),
            models.CheckConstraint(
                name="only_what_is_over_is_erased",
                condition=Q(erased_at=None) | Q(status__in=["refused", "withdrawn"]),
            ),
            models.CheckConstraint(
                name="confirmed_has_a_start", condition=~Q(status__in=["confirmed", "admitted"]) | ~Q(start_day=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.name or self.user}"


class ApplicationPoint(TenantModel):
    """A metering point as the applicant describes it, and as the distributor confirms it."""

    class Source(models.TextChoices):
        SUN = "sun", _("sun")
        WIND = "wind", _("wind")
        WATER = "water", _("water")
        BIOGAS = "biogas", _("biogas")
        COGENERATION = "cogeneration", _("cogeneration")
        OTHER = "other", _("another")

    application = TenantForeignKey(Application, related_name="points")
    code = models.CharField(_("code (PPE)"), max_length=18)
    tariff_group = models.CharField(_("tariff group"), max_length=20)
    contracted_power_kw = models.DecimalField(_("contracted power (kW)"), max_digits=10, decimal_places=3)
    phases = models.PositiveSmallIntegerField(_("phases"))
    yearly_use_kwh = models.PositiveIntegerField(_("yearly use (kWh)"))
    generation_source = models.CharField(_("generation from"), max_length=12, choices=Source, blank=True)
    generation_capacity_kw = models.DecimalField(
        _("generation capacity (kW)"), max_digits=10, decimal_places=3, default=0
    )
    #: Code of the grid node that the distributor names; the tariff group above is then the confirmed one.
    grid_node = models.CharField(_("grid node"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("metering point of an application")
        verbose_name_plural = _("metering points of applications")
        ordering = ("code",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "application", "code"], name="one_applied_point_a_code"),
            models.CheckConstraint(name="applied_phases_1_or_3", condition=Q(phases__in=[1, 3])),
            models.CheckConstraint(
                name="source_goes_with_capacity",
                condition=Q(generation_source="", generation_capacity_kw=0)
                | (~Q(generation_source="") & Q(generation_capacity_kw__gt=0)),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class ApplicationDocument(TenantModel):
    """A file of an application. Kept as a row so that row-level security covers it like everything else."""

    secret_columns = ("content",)

    application = TenantForeignKey(Application, related_name="documents")
    name = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(max_length=40)
    content = models.BinaryField()
    size = models.PositiveIntegerField(_("size (bytes)"))
    uploaded_at = models.DateTimeField(_("uploaded"))

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ("uploaded_at", "id")

    def __str__(self) -> str:
        return self.name


class ApplicationEvent(TenantModel):
    """One step in an application's life: the timeline, and what was asked and answered."""

    append_only = True

    application = TenantForeignKey(Application, related_name="events")
    at = models.DateTimeField(_("time"))
    step = models.CharField(_("step"), max_length=10)
    actor = models.CharField(_("by"), max_length=12)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(_("text"), blank=True)

    class Meta:
        verbose_name = _("step of an application")
        verbose_name_plural = _("steps of applications")
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.application_id} {STEPS.get(self.step, self.step)}"


class Complaint(TenantModel):
    """A member's complaint, which the coordinator must answer by a day."""

    participant = TenantForeignKey("participants.Participant", verbose_name=_("participant"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("written by")
    )
    subject = models.CharField(_("subject"), max_length=200)
    text = models.TextField(_("what is wrong"))
    language = models.CharField(_("language"), max_length=10)
    made_at = models.DateTimeField(_("lodged"))
    due_on = models.DateField(_("answer due on"))
    answer = models.TextField(_("answer"), blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True,
        verbose_name=_("answered by"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("complaint")
        verbose_name_plural = _("complaints")
        ordering = ("-made_at",)
        constraints: ClassVar = [
            models.CheckConstraint(
                name="an_answer_is_whole",
                condition=Q(answer="", answered_at=None, answered_by=None)
                | (~Q(answer="") & Q(answered_at__isnull=False, answered_by__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.subject
