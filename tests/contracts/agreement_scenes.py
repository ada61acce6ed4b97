"""Who signs what in the tests of agreements: a household, the coordinator, the days around an offer."""

import datetime as dt

from contracts.models import Agreement, Contract
from contracts.services import agreements
from contracts.services.agreements import Actor, Evidence, offer_agreement
from participants.access import Access
from tests.cast import NOON, Cast

TODAY = dt.date(2026, 6, 11)
TOMORROW = dt.date(2026, 6, 12)
JULY = dt.date(2026, 7, 1)
HOW = {"declaration": "I accept.", "ip": "192.0.2.7", "authentication": [{"method": "password", "at": 1.0}]}


def member(cast: Cast) -> Actor:
    return Actor(cast.colleague, Access(cast.cluster.pk, "member", cast.buyer.pk))


def coordinator(cast: Cast) -> Actor:
    return Actor(cast.coordinator, Access(cast.cluster.pk, "coordinator"))


def evidence(agreement: Agreement) -> Evidence:
    return Evidence(pdf_sha256=agreement.documents.get().pdf_sha256, **HOW)


def offered(cast: Cast, start: dt.date = JULY) -> Agreement:
    return offer_agreement(cast.cluster, cast.buyer, start, cast.coordinator, NOON)


def sign_both(agreement: Agreement, cast: Cast, now: dt.datetime = NOON) -> Agreement:
    agreements.sign(agreement, member(cast), "partner", now, evidence(agreement))
    agreements.sign(agreement, coordinator(cast), "coordinator", now, evidence(agreement))
    return agreement


def state(agreement: Agreement, now: dt.datetime = NOON) -> str:
    return agreements.standing_of(agreement, now).state.value


def rows(cast: Cast) -> list[tuple[str, dt.date, dt.date | None]]:
    found = Contract.objects.filter(participant=cast.buyer).order_by("valid_from")
    return list(found.values_list("scheme", "valid_from", "valid_to"))
