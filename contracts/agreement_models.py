"""Agreements between the coordinator and its partners. Nothing here is ever updated: a change is a new row."""

import datetime as dt
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.utils.translation import gettext_lazy as _

from contracts.domain.agreement_states import TRANSITIONS
from participants.models import Dso, Participant
from participants.tenancy.models import TenantForeignKey, TenantModel

USER = settings.AUTH_USER_MODEL


class PartnerKind(models.TextChoices):
    PARTICIPANT = "participant", _("participant")
    DSO = "dso", _("distributor")
    SELLER = "seller", _("external seller")
    BUYER = "buyer", _("external buyer")


class AgreementState(models.TextChoices):
    DRAFT = "draft", _("draft")
    OFFERED = "offered", _("offered")
    ACCEPTED = "accepted", _("accepted by the partner")
    COUNTERSIGNED = "countersigned", _("signed by the coordinator")
    SIGNED = "signed", _("signed by both")
    IN_FORCE = "in_force", _("in force")
    SUSPENDED = "suspended", _("suspended")
    TERMINATED = "terminated", _("terminated, still running")
    ENDED = "ended", _("ended")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Language(models.TextChoices):
    PL = "pl", _("Polish")
    EN = "en", _("English")


class ExternalPartner(TenantModel):
    """A seller or buyer outside of the cluster, of whom the coordinator covers shortage or whom it sells surplus."""

    kind = models.CharField(
        _("kind"), max_length=12, choices=[(k.value, k.label) for k in (PartnerKind.SELLER, PartnerKind.BUYER)]
    )
    name = models.CharField(_("name"), max_length=200)
    nip = models.CharField(_("tax number (NIP)"), max_length=10)
    street = models.CharField(_("street"), max_length=200)
    postcode = models.CharField(_("postcode"), max_length=12)
    city = models.CharField(_("city"), max_length=100)
    iban = models.CharField(_("bank account (IBAN)"), max_length=34, blank=True)

    class Meta:
        verbose_name = _("external partner")
        verbose_name_plural = _("external partners")
        ordering = ("name",)
        constraints: ClassVar = [
            models.CheckConstraint(name="external_kind", condition=Q(kind__in=["seller", "buyer"])),
            models.UniqueConstraint(fields=["cluster", "kind", "nip"], name="one_external_partner"),
        ]

    def __str__(self) -> str:
        return self.name


class AgreementTemplate(TenantModel):
    """One version of the text for a kind of partner in a language. A changed text is a new version."""

    append_only = True

    kind = models.CharField(_("agreement with"), max_length=12, choices=PartnerKind)
    language = models.CharField(_("language"), max_length=2, choices=Language)
    version = models.PositiveIntegerField(_("version"))
    body = models.TextField(_("text"))
    notice_days = models.PositiveSmallIntegerField(_("notice period (days)"))
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, related_name="+", editable=False)

    class Meta:
        verbose_name = _("template of agreements")
        verbose_name_plural = _("templates of agreements")
        ordering = ("kind", "language", "-version")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "kind", "language", "version"], name="one_template_version")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_language_display()}, {self.version}"


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def with_state(self, today: dt.date) -> "AgreementQuerySet":
        """Adds `stored` and `day` of the last event, and `state`, what that means on the local day `today`."""
        last = AgreementEvent.objects.filter(agreement=OuterRef("pk")).order_by("-position")
        stored: Any = self.annotate(stored=Subquery(last.values("target")[:1]), day=Subquery(last.values("day")[:1]))
        found: AgreementQuerySet = stored.annotate(
            state=Case(
                When(stored="signed", day__lte=today, then=Value("in_force")),
                When(stored="terminated", day__lte=today, then=Value("ended")),
                default=F("stored"),
            )
        )
        return found


class Agreement(TenantModel):
    """What the coordinator agrees with one partner from a local day on. Its state is that of its last event."""

    append_only = True
    audited = False  # Its events are its history.

    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("agreement with"), max_length=12, choices=PartnerKind)
    participant = TenantForeignKey(
        Participant, null=True, blank=True, related_name="agreements", verbose_name=_("participant")
    )
    dso = models.ForeignKey(
        Dso, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("distributor")
    )
    partner = TenantForeignKey(ExternalPartner, null=True, blank=True, verbose_name=_("external partner"))
    dso_settlement = models.CharField(_("grid fees are settled"), max_length=20, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=Language)
    start_day = models.DateField(_("asked for from"))
    notice_days = models.PositiveSmallIntegerField(_("notice period (days)"))
    amends = TenantForeignKey("self", null=True, blank=True, related_name="amendments", verbose_name=_("amends"))

    objects: ClassVar[Any] = AgreementQuerySet.as_manager()

    #: As of the day that `with_state` was asked for.
    state: str
    day: dt.date

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        ordering = ("-number",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "number"], name="one_agreement_number"),
            models.CheckConstraint(
                name="agreement_partner",
                condition=Q(
                    kind="participant", participant__isnull=False, dso=None, partner=None, dso_settlement=""
                )
                | Q(
                    kind="dso", participant=None, dso__isnull=False, partner=None,
                    dso_settlement__in=["coordinator", "direct"],
                )
                | Q(
                    kind__in=["seller", "buyer"], participant=None, dso=None, partner__isnull=False, dso_settlement=""
                ),
            ),
        ]  # fmt: skip

    @property
    def other_side(self) -> Participant | Dso | ExternalPartner:
        """The partner, whatever its kind."""
        found = self.participant or self.dso or self.partner
        if found is None:
            raise ValueError("an agreement without a partner")
        return found

    @property
    def partner_name(self) -> str:
        return self.other_side.name

    def __str__(self) -> str:
        return f"{self.number} {self.partner_name}"


class AgreementDocument(TenantModel):
    """What both sides read and sign: the text, and the PDF made of it."""

    append_only = True
    audited = False

    agreement = TenantForeignKey(Agreement, related_name="documents", verbose_name=_("agreement"))
    template = TenantForeignKey(AgreementTemplate, verbose_name=_("template"))
    variables = models.JSONField(_("variables"))
    text = models.TextField(_("text"))
    text_sha256 = models.CharField(_("digest of the text (SHA-256)"), max_length=64)
    pdf = models.BinaryField(_("PDF"))
    pdf_sha256 = models.CharField(_("digest of the PDF (SHA-256)"), max_length=64)
    rendered_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "agreement"], name="one_document"),
            # Signatures point here with the digest they signed.
            models.UniqueConstraint(fields=["cluster", "id", "pdf_sha256"], name="document_digest"),
        ]

    def __str__(self) -> str:
        return self.pdf_sha256[:12]


class AgreementSignature(TenantModel):
    """Evidence of one side's acceptance: who, when, of which document, from where and how that was made sure."""

    append_only = True
    audited = False

    class Side(models.TextChoices):
        PARTNER = "partner", _("partner")
        COORDINATOR = "coordinator", _("coordinator")

    document = TenantForeignKey(AgreementDocument, related_name="signatures", verbose_name=_("document"))
    side = models.CharField(_("side"), max_length=12, choices=Side)
    user = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="+", verbose_name=_("user"))
    email = models.CharField(_("e-mail address then"), max_length=254)
    at = models.DateTimeField(_("at"))
    pdf_sha256 = models.CharField(_("digest of the PDF (SHA-256)"), max_length=64)
    declaration = models.TextField(_("declaration"))
    ip = models.GenericIPAddressField(_("IP address"), null=True)
    #: As django-allauth noted it in the session: [{"method": "password", "at": …}, {"method": "mfa", …}].
    authentication = models.JSONField(_("authenticated by"))

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ("at",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "document", "side"], name="one_signature_a_side"),
            models.CheckConstraint(name="signature_side", condition=Q(side__in=["partner", "coordinator"])),
        ]

    def __str__(self) -> str:
        return f"{self.get_side_display()}: {self.email}"


class AgreementEvent(TenantModel):
    """One act on an agreement: who did it, when, and from which local day on its target state holds."""

    append_only = True
    audited = False

    agreement = TenantForeignKey(Agreement, related_name="events", verbose_name=_("agreement"))
    position = models.PositiveSmallIntegerField(_("number"))
    act = models.CharField(_("act"), max_length=20)
    source = models.CharField(_("from"), max_length=14)
    target = models.CharField(_("to"), max_length=14)
    day = models.DateField(_("with effect from"))
    at = models.DateTimeField(_("at"))
    user = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("user"))
    reason = models.CharField(_("reason"), max_length=400, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("agreement", "position")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "agreement", "position"], name="one_event_a_position"),
            models.CheckConstraint(
                name="event_in_the_table",
                condition=reduce(
                    or_,
                    (Q(act=row.act.value, source=row.source.value, target=row.target.value) for row in TRANSITIONS),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.act}"
