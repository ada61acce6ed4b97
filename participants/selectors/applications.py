"""Reads of applications."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from participants.domain.application_steps import OPEN
from participants.kinds import Kind, LegalForm
from participants.models import Application, User


@dataclass(frozen=True)
class Missing:
    """What an application still needs, and on which page of the form it is given."""

    page: str
    what: Any


_NEEDED = (
    ("who", "legal_form", _("whether you are a person, a company or a public body")),
    ("who", "kind", _("whether you use, feed in, or both")),
    ("who", "name", _("your name")),
    ("who", "email", _("your e-mail address")),
    ("address", "street", _("street and number")),
    ("address", "postcode", _("postcode")),
    ("address", "city", _("city")),
    ("address", "iban", _("your bank account")),
)


def missing_in(application: Application) -> list[Missing]:
    """All that must be given before the application can be sent in; in the order of the form."""
    missing = [Missing(page, what) for page, field, what in _NEEDED if not getattr(application, field)]
    organised = application.legal_form in (LegalForm.COMPANY, LegalForm.PUBLIC)
    if (organised or application.vat_payer) and not application.nip:
        missing.append(Missing("who", _("your tax number (NIP)")))
    points = list(application.points.all())
    generates = any(point.generation_capacity_kw for point in points)
    if not points:
        missing.append(Missing("points", _("at least one metering point")))
    elif application.kind == Kind.CONSUMER and generates:
        missing.append(Missing("who", _("that you are a prosumer or producer: one of your metering points generates")))
    elif application.kind in (Kind.PROSUMER, Kind.PRODUCER) and not generates:
        missing.append(Missing("points", _("the generation of one of your metering points")))
    return missing


def open_application(user: User) -> Application | None:
    """The user's application in the cluster in scope that is not at an end."""
    return Application.objects.filter(user=user, status__in=OPEN).order_by("-created_at").first()


def latest_application(user: User) -> Application | None:
    """The user's last application in the cluster in scope."""
    return Application.objects.filter(user=user, erased_at=None).order_by("-created_at").first()
