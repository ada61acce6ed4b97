"""What KSeF has of the documents."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from billing.formats.fa3 import KINDS
from billing.models import BillingTerms, Document, EInvoice
from participants.models import Cluster

State = EInvoice.State


@dataclass(frozen=True)
class Standing:
    """How many e-invoices stand where; `connected`: the operator has connected the cluster to KSeF."""

    counts: dict[str, int]
    connected: bool
    since: date | None


def standing(cluster: Cluster) -> Standing:
    """Needs the scope."""
    rows = EInvoice.objects.filter(cluster=cluster).order_by().values_list("state").annotate(n=Count("pk"))
    spans = spans_of_ksef(cluster)
    return Standing(dict(rows), bool(settings.KSEF_URL and token_of(cluster)), spans[0][0] if spans else None)


def token_of(cluster: Cluster) -> str:
    """The cluster's KSeF token, empty if the operator has set none."""
    return str(settings.KSEF_TOKENS.get(cluster.slug, ""))


def spans_of_ksef(cluster: Cluster) -> list[tuple[date, date | None]]:
    """The days of issue `[first, end)` whose invoices go to KSeF, by the terms of bills; `end` None: for good."""
    rows = list(BillingTerms.objects.filter(cluster=cluster).order_by("valid_from"))
    spans = pairwise([*rows, None])
    return [(row.valid_from, after.valid_from if after else None) for row, after in spans if row and row.to_ksef]


def unqueued(cluster: Cluster) -> QuerySet[Document]:
    """Invoices that go to KSeF and are not on their way yet, oldest first."""
    days = Q(pk__in=[])
    for first, end in spans_of_ksef(cluster):
        days |= Q(issued_on__gte=first) & (Q(issued_on__lt=end) if end else Q())
    return Document.objects.filter(days, cluster=cluster, kind__in=KINDS, einvoices=None).order_by("pk")


def numbers_of(documents: QuerySet[Document]) -> dict[str, str]:
    """Number → KSeF number, of those of the documents that KSeF has accepted."""
    rows = EInvoice.objects.filter(document__in=documents.order_by(), state=State.ACCEPTED)
    return dict(rows.values_list("document__number", "ksef_number"))
