"""Clusters, the people and companies in them, and who may act for whom."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.change_models import Change
from participants.domain.places import CENTRE_OF_POLAND
from participants.dso_key_models import DsoKey
from participants.kinds import Kind, LegalForm
from participants.onboarding_models import (
    Application,
    ApplicationDocument,
    ApplicationEvent,
    ApplicationPoint,
    ClusterPage,
    Complaint,
    Invitation,
)
from participants.privacy_models import Consent, ErasureRequest
from participants.role_models import RoleInvitation
from participants.tenancy.models import TenantForeignKey, TenantModel

__all__ = [
    "ApiKey",
    "Application",
    "ApplicationDocument",
    "ApplicationEvent",
    "ApplicationPoint",
    "Change",
    "Cluster",
    "ClusterPage",
    "Complaint",
    "Consent",
    "Coordinator",
    "Dso",
    "DsoKey",
    "DsoUser",
    "ErasureRequest",
    "Invitation",
    "Membership",
    "Participant",
    "RoleInvitation",
    "User",
]


class Dso(models.Model):
    """A distributor: owns the grid and the tariff book that all clusters on it share."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    nip = models.CharField(_("tax number (NIP)"), max_length=10)
    iban = models.CharField(_("bank account (IBAN)"), max_length=34)

    class Meta:
        verbose_name = _("distributor")
        verbose_name_plural = _("distributors")

    def __str__(self) -> str:
        return self.name


class Cluster(models.Model):
    """An energy cluster: the tenant. Only what is public stands here; all else is in tenant rows."""

    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    timezone = models.CharField(_("time zone"), max_length=64)
    holidays = models.CharField(_("public holidays of"), max_length=8)
    currency = models.CharField(_("currency"), max_length=3)
    interval_minutes = models.PositiveSmallIntegerField(_("interval (minutes)"), default=15)
    dso = models.ForeignKey(Dso, on_delete=models.PROTECT, related_name="clusters", verbose_name=_("distributor"))
    latitude = models.DecimalField(_("latitude (°)"), max_digits=6, decimal_places=4, default=CENTRE_OF_POLAND[0])
    longitude = models.DecimalField(_("longitude (°)"), max_digits=7, decimal_places=4, default=CENTRE_OF_POLAND[1])

    class Meta:
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")
        constraints: ClassVar = [
            models.CheckConstraint(name="quarter_hours", condition=Q(interval_minutes=15)),
            models.CheckConstraint(
                name="on_the_globe",
                condition=Q(latitude__gte=-90, latitude__lte=90, longitude__gte=-180, longitude__lte=180),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Users are named by their e-mail address, kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractUser):
    """A login. What it may do in a cluster stands in `Membership`; a superuser is the platform's operator."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    #: In which the user last read the pages: e-mails are written in it.
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE
    )
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")


class DsoUser(models.Model):
    """A login of a distributor: sees the clusters on its grid, or only its areas (`metering.models.DsoArea`)."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="dso_user")
    dso = models.ForeignKey(Dso, on_delete=models.CASCADE, related_name="users")
    whole_grid = models.BooleanField(_("whole grid"), default=True)

    class Meta:
        verbose_name = _("distributor's user")
        verbose_name_plural = _("distributor's users")

    def __str__(self) -> str:
        return f"{self.user} · {self.dso}"


class Coordinator(TenantModel):
    """Who represents the cluster: buys its shortage and sells its surplus outside."""

    name = models.CharField(_("name"), max_length=200)
    nip = models.CharField(_("tax number (NIP)"), max_length=10)
    street = models.CharField(_("street"), max_length=200)
    postcode = models.CharField(_("postcode"), max_length=12)
    city = models.CharField(_("city"), max_length=100)
    country = models.CharField(_("country"), max_length=2)
    iban = models.CharField(_("bank account (IBAN)"), max_length=34)

    class Meta:
        verbose_name = _("coordinator")
        verbose_name_plural = _("coordinators")
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster"], name="one_coordinator")]

    def __str__(self) -> str:
        return self.name


class Participant(TenantModel):
    """A member of the cluster: a household, a company or a public body."""

    Kind = Kind
    LegalForm = LegalForm

    code = models.CharField(_("number"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    legal_form = models.CharField(_("legal form"), max_length=10, choices=LegalForm)
    name = models.CharField(_("name"), max_length=200)
    email = models.EmailField(_("e-mail address"), blank=True)
    street = models.CharField(_("street"), max_length=200, blank=True)
    postcode = models.CharField(_("postcode"), max_length=12, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    nip = models.CharField(_("tax number (NIP)"), max_length=10, blank=True)
    iban = models.CharField(_("bank account (IBAN)"), max_length=34, blank=True)
    vat_payer = models.BooleanField(_("VAT payer"))

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        ordering = ("code",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "code"], name="one_participant_a_code"),
            models.CheckConstraint(name="participant_kind", condition=Q(kind__in=["consumer", "prosumer", "producer"])),
            models.CheckConstraint(
                name="participant_legal_form", condition=Q(legal_form__in=["person", "company", "public"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Membership(TenantModel):
    """What a user may do in a cluster: act for a participant, or run it as coordinator; and how much of it.

    The participant itself, and the coordinator's administrator, have the full level.
    """

    class Role(models.TextChoices):
        MEMBER = "member", _("member")
        COORDINATOR = "coordinator", _("coordinator")

    class Level(models.TextChoices):
        FULL = "full", _("full")
        ACT = "act", _("read and act")
        ACCOUNTS = "accounts", _("accounts")
        READ = "read", _("read only")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=12, choices=Role)
    level = models.CharField(_("level"), max_length=8, choices=Level, default=Level.FULL)
    participant = TenantForeignKey(Participant, null=True, blank=True, verbose_name=_("participant"))

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cluster", "user", "participant"], name="one_membership", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="members_act_for_a_participant",
                condition=Q(role="member", participant__isnull=False) | Q(role="coordinator", participant__isnull=True),
            ),
            models.CheckConstraint(
                name="levels_of_a_role",
                condition=Q(role="member", level__in=["full", "act", "read"])
                | Q(role="coordinator", level__in=["full", "accounts", "read"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()}, {self.get_level_display()})"


class ApiKey(TenantModel):
    """A machine that delivers readings. Only the hash of its secret is kept."""

    secret_columns = ("secret_sha256",)

    name = models.CharField(_("name"), max_length=100)
    secret_sha256 = models.CharField(_("hash of the secret"), max_length=64, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster", "secret_sha256"], name="one_key_a_secret")]

    def __str__(self) -> str:
        return self.name
