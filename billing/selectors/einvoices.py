"""What KSeF has of the documents."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from ksef_client import KsefClientOptions, KsefEnvironment
from ksef_client.services.verification_link import VerificationLinkService

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
    spans = spans_of_ksef(cluster.pk)
    return Standing(dict(rows), bool(settings.KSEF_URL and token_of(cluster)), spans[0][0] if spans else None)


def token_of(cluster: Cluster) -> str:
    """The cluster's KSeF token, empty if the operator has set none."""
    return str(settings.KSEF_TOKENS.get(cluster.slug, ""))


def spans_of_ksef(cluster_id: int) -> list[tuple[date, date | None]]:
    """The days of issue `[first, end)` whose invoices go to KSeF, by the terms of bills; `end` None: for good."""
    rows = list(BillingTerms.objects.filter(cluster=cluster_id).order_by("valid_from"))
    spans = pairwise([*rows, None])
    return [(row.valid_from, after.valid_from if after else None) for row, after in spans if row and row.to_ksef]


def unqueued(cluster: Cluster) -> QuerySet[Document]:
    """Invoices that go to KSeF and are not on their way yet, oldest first."""
    return Document.objects.filter(_goes_to_ksef(cluster.pk), cluster=cluster, einvoices=None).order_by("pk")


def undecided(cluster_id: int) -> QuerySet[Document]:
    """Invoices that go to KSeF, or went, and are neither accepted nor kept outside."""
    rows = Document.objects.filter(_goes_to_ksef(cluster_id) | Q(einvoices__isnull=False), cluster=cluster_id)
    return rows.exclude(einvoices__state__in=[State.ACCEPTED, State.OUTSIDE])


def _goes_to_ksef(cluster_id: int) -> Q:
    days = Q(pk__in=[])
    for first, end in spans_of_ksef(cluster_id):
        days |= Q(issued_on__gte=first) & (Q(issued_on__lt=end) if end else Q())
    return days & Q(kind__in=KINDS)


def accepted(documents: Iterable[int]) -> dict[int, tuple[str, str]]:
    """KSeF's number and the digest of the XML, by document, of those that KSeF has accepted."""
    rows = EInvoice.objects.filter(document__in=documents, state=State.ACCEPTED)
    return {
        document: (number, digest)
        for document, number, digest in rows.values_list("document", "ksef_number", "xml_hash")
    }


def link_to_check(nip: str, issued_on: date, digest: str) -> str:
    """The address behind the code that the Ministry of Finance asks for on invoices outside KSeF (its *KOD I*).

    `digest`: of the XML, SHA-256 in base64. Of an environment that is not the Ministry's, below its own address.
    """
    api = settings.KSEF_URL or KsefEnvironment.PROD.value
    official = api.startswith(tuple(each.value for each in KsefEnvironment))
    options = KsefClientOptions(api, base_qr_url=None if official else api)
    return VerificationLinkService(options).build_invoice_verification_url(nip, issued_on, digest)


def numbers_of(documents: QuerySet[Document]) -> dict[str, str | None]:
    """Number → KSeF number, None while it is to come; what does not go to KSeF is left out."""
    rows = EInvoice.objects.filter(document__in=documents.order_by()).exclude(state=State.OUTSIDE)
    return {number: given or None for number, given in rows.values_list("document__number", "ksef_number")}


def einvoice_of(document: Document) -> EInvoice | None:
    """The document's own, if it goes or went to KSeF."""
    return EInvoice.objects.filter(document=document).defer("xml", "receipt").first()


def waited_for(rows: Iterable[EInvoice]) -> dict[int, str]:
    """Row → number of the original whose KSeF number its correction waits for."""
    held = EInvoice.objects.filter(pk__in=[row.pk for row in rows], state=State.QUEUED)
    lacking = EInvoice.objects.filter(document=OuterRef("document__corrects"), ksef_number="")
    held = held.filter(Exists(lacking.exclude(state=State.OUTSIDE)))
    return dict(held.values_list("pk", "document__corrects__number"))
