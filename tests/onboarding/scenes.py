"""Applicants: whole applications, and what they are made of."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.core import mail

from participants import models
from participants.models import Application, ApplicationPoint, User
from participants.services.applications import confirm_points, start_application, take_step
from participants.tenancy.scope import scope
from tests.cast import Cast, make_user
from tests.tariff import publish

NOW = dt.datetime(2026, 11, 22, 12, 4, tzinfo=dt.UTC)
START = dt.date(2027, 1, 1)
PPE = "590000000000009016"
WHO = {
    "legal_form": "person", "kind": "prosumer", "name": "Anna Nowa", "email": "anna@example.org", "nip": "",
    "regon": "",
}  # fmt: skip
ADDRESS = {
    "street": "ul. Nowa 1", "postcode": "00-001", "city": "Trzystacje", "iban": "PL61 9999 9999 0000 0000 0000 0901",
}  # fmt: skip
POINT = {
    "code": PPE, "tariff_group": "G11", "contracted_power_kw": "14", "phases": "3", "yearly_use_kwh": "2400",
    "generation_source": "sun", "generation_capacity_kw": "9.5",
}  # fmt: skip
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def add_rates(cast: Cast) -> None:
    rate = {"component": "network_variable", "rate_net": Decimal("0.2")}
    publish(cast.cluster.dso, [rate | {"group": group} for group in ("G11", "G12", "*")])


def applicant(email: str = "anna@example.org") -> User:
    return User.objects.filter(email=email).first() or make_user(email, language="en")


def apply(cast: Cast, user: User, until: str = "submitted", code: str = PPE, **changes: Any) -> Application:
    """An application brought as far as `until`."""
    with scope(cast.cluster.pk):
        application = start_application(cast.cluster, user, "en", NOW)
        for name, value in {**WHO, **ADDRESS, "iban": "PL61999999990000000000000901", **changes}.items():
            setattr(application, name, value)
        application.save()
        ApplicationPoint.objects.create(
            cluster=cast.cluster, application=application, code=code, tariff_group="G11", contracted_power_kw=14,
            phases=3, yearly_use_kwh=2400, generation_source="sun", generation_capacity_kw=Decimal("9.5"),
        )  # fmt: skip
        if until == "draft":
            return application
        _step(cast, application, "submit", "applicant", user)
        if until == "questions":
            _step(cast, application, "ask", "coordinator", cast.coordinator, "Which roof?")
        if until in ("at_dso", "confirmed"):
            _step(cast, application, "send", "coordinator", cast.coordinator)
        if until == "confirmed":
            points = {point.pk: ("ST-1", "G12") for point in application.points.all()}
            confirm_points(cast.cluster, application.pk, points, START, cast.coordinator, NOW)
        application.refresh_from_db()
        return application


def letter_to(email: str) -> Any:
    """The last e-mail to this address."""
    return [message for message in mail.outbox if message.to == [email]][-1]


def status_of(cast: Cast, application: Application) -> str:
    with scope(cast.cluster.pk):
        return Application.objects.get(pk=application.pk).status


def everything(cast: Cast) -> list[Any]:
    """All that onboarding has stored in the cluster: to see that a refused request changed nothing."""
    names = ("Application", "ApplicationPoint", "ApplicationDocument", "ApplicationEvent", "Complaint", "Invitation")
    more = ("Participant", "Membership")
    with scope(cast.cluster.pk):
        return [list(getattr(models, name).objects.order_by("pk").values_list()) for name in (*names, *more)]


def _step(cast: Cast, application: Application, step: str, actor: Any, user: User, text: str = "") -> None:
    take_step(cast.cluster, application.pk, step, actor, user, NOW, text)
