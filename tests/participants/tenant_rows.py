"""A row of every tenant model, as a cluster may have it: what the isolation of clusters is tried on."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import connection, models

from billing.models import (
    Account,
    Allocation,
    BankFile,
    BankTransaction,
    Bill,
    BillDelivery,
    BillingPeriod,
    BillingTerms,
    BillOpening,
    BillPaper,
    DistributorInvoice,
    Document,
    DocumentLine,
    EInvoice,
    InterestDecision,
    JournalEntry,
    NumberSeries,
    PaymentMatch,
    PaymentReminder,
    PayoutApproval,
    PayoutBatch,
    PayoutItem,
    Posting,
    Promise,
    ReliefMonth,
    ReminderPause,
    ReminderTerms,
    Statement,
    StatementLine,
)
from clearing.models import ClearingRun, IntervalState, Position, Trade
from contracts.models import (
    ClusterSettings,
    ClusterTerms,
    Contract,
    ExternalPrice,
    OfferAssignment,
    ReliefStep,
    RetailOffer,
    RetailPrice,
    SaleMechanism,
    StandardSalePrice,
    StaticKey,
)
from contracts.services.standard import default_offer
from metering.models import (
    AggregatedMonth,
    ColumnMapping,
    DayCheck,
    Delivery,
    DeliveryBatch,
    DeliveryChunk,
    DeliveryDay,
    DeliveryFault,
    DsoArea,
    Finding,
    GridNode,
    IntervalInput,
    KeyAnswer,
    KeyScope,
    KeyUse,
    Meter,
    MeteringPoint,
    PointAssignment,
    Reading,
    ReadingAccess,
    ReadingDay,
    ReadingGap,
    Reminder,
    ReminderSetting,
    Substitution,
)
from participants.models import (
    ApiKey,
    Application,
    ApplicationDocument,
    ApplicationEvent,
    ApplicationPoint,
    Change,
    ClusterPage,
    Complaint,
    Consent,
    Coordinator,
    ErasureRequest,
    Invitation,
    Membership,
    Participant,
    RoleInvitation,
)
from participants.tenancy.partitions import ensure_month_partitions
from tests.cast import DAY, NOON, Cast
from tests.participants import agreement_rows

PERIOD = dt.date(2026, 6, 1)
LATER = NOON + dt.timedelta(minutes=15)

DELIVERY = {
    "name": "june.csv", "sha256": "f" * 64, "received_at": NOON, "issued_at": NOON, "via": "page", "state": "previewed",
    "format": "own",
}  # fmt: skip

#: For each tenant model the fields of a new row that the cluster of `cast` may have beside what the cast made.
NEW_ROWS: dict[type[models.Model], Callable[[Cast], dict[str, Any]]] = {
    **agreement_rows.ROWS,
    Coordinator: lambda c: {"name": "x", "nip": "1000158380", "country": "PL"},
    Participant: lambda c: {"code": "P9", "kind": "consumer", "legal_form": "person", "name": "x", "vat_payer": False},
    Membership: lambda c: {"user": c.coordinator, "role": "member", "participant": c.buyer},
    ApiKey: lambda c: {"name": "meter", "secret_sha256": "f" * 64},
    Change: lambda c: {
        "at": NOON, "operation": "update", "table_name": "participants_participant", "row_id": c.buyer.pk,
        "before": {}, "after": {},
    },
    ClusterPage: lambda c: {"text_pl": "x"},
    Invitation: lambda c: {
        "email": "a@example.org", "token_sha256": "a" * 64, "created_at": NOON, "expires_at": LATER,
        "invited_by": c.coordinator,
    },
    Application: lambda c: {"user": c.colleague, "language": "pl", "created_at": NOON, "status": "withdrawn"},
    ApplicationPoint: lambda c: {
        "application": application(c), "code": "590000000000000037", "tariff_group": "G11", "contracted_power_kw": 1,
        "phases": 1, "yearly_use_kwh": 1,
    },
    ApplicationDocument: lambda c: {
        "application": application(c), "name": "x.pdf", "content_type": "application/pdf", "content": b"x", "size": 1,
        "uploaded_at": NOON,
    },
    ApplicationEvent: lambda c: {
        "application": application(c), "at": NOON, "step": "start", "actor": "applicant", "user": c.owner,
    },
    Complaint: lambda c: {
        "participant": c.seller, "user": c.owner, "subject": "x", "text": "x", "made_at": NOON, "due_on": PERIOD,
    },
    RoleInvitation: lambda c: {
        "email": "x@example.org", "level": "read", "participant": c.buyer, "secret_sha256": "f" * 64,
        "invited_by": c.colleague, "created_at": NOON,
    },
    DsoArea: lambda c: {"user": c.coordinator, "grid_node": GridNode.objects.get(level="cluster")},
    GridNode: lambda c: {"code": "ST-9", "level": "station", "parent": GridNode.objects.get(level="cluster")},
    MeteringPoint: lambda c: {"code": "590000000000000037"},
    PointAssignment: lambda c: {
        "metering_point": c.buyer_point, "participant": c.buyer, "role": "member", "tariff_group": "G11",
        "grid_node": GridNode.objects.filter(code="ST-1").get(), "contracted_power_kw": 1,
        "generation_capacity_kw": 0, "phases": 3, "yearly_use_kwh": 1, "capacity_factor": 1,
        "valid_from": dt.date(2020, 1, 1), "valid_to": dt.date(2021, 1, 1),
    },
    KeyScope: lambda c: {"api_key": api_key(c), "metering_point": c.buyer_point},
    KeyUse: lambda c: {"api_key": api_key(c), "last_used_at": NOON},
    KeyAnswer: lambda c: {
        "api_key": api_key(c), "idempotency_key": "1", "request_sha256": "f" * 64, "status": 200, "answer": {},
        "at": NOON,
    },
    ColumnMapping: lambda c: {"name": "shop", "columns": {"time": "A", "imported": "B"}},
    Delivery: lambda c: DELIVERY | {"user": c.coordinator},
    DeliveryChunk: lambda c: {"delivery": delivery(c), "number": 0, "content": b"x"},
    DeliveryBatch: lambda c: {"delivery": delivery(c), "number": 0, "readings": 1, "rows": b"x"},
    DeliveryDay: lambda c: {
        "delivery": delivery(c), "point": "590000000000000037", "day": PERIOD, "accepted": 1, "replaced": 0,
        "unchanged": 0, "superseded": 0, "refused": 0, "imported_wh": 1, "exported_wh": 0,
    },
    DeliveryFault: lambda c: {
        "delivery": delivery(c), "number": 0, "line": 1, "column": "x", "text": "x", "lines": 1,
    },
    Reading: lambda c: {
        "metering_point": c.buyer_point, "interval_start": LATER, "version": 1, "imported_wh": 1, "exported_wh": 0,
        "quality": 1,
    },
    IntervalInput: lambda c: {"interval_start": LATER, "changes": 1},
    AggregatedMonth: lambda c: {"month": PERIOD, "at": NOON},
    ReadingDay: lambda c: {
        "metering_point": c.buyer_point, "day": PERIOD, "imported_wh": 1, "exported_wh": 0, "measured": 1, "split": 0,
        "substituted": 0, "estimated": 0,
    },
    DayCheck: lambda c: {"day": PERIOD},
    ReadingGap: lambda c: {
        "metering_point": c.buyer_point, "day": PERIOD, "missing": 96, "estimated": 0, "first_at": NOON,
    },
    ReminderSetting: lambda c: {"on": False},
    Reminder: lambda c: {
        "day": PERIOD, "address": "x@example.org", "points": 1, "quarter_hours": 96, "since": NOON,
    },
    Finding: lambda c: {
        "rule": "spike", "metering_point": c.buyer_point, "day": DAY, "starts": NOON, "ends": LATER,
        "quarter_hours": 1, "value_wh": 2, "limit_wh": 1, "severity": "warning", "owner": "dso", "found_at": LATER,
    },
    Substitution: lambda c: {
        "metering_point": c.buyer_point, "starts": NOON, "ends": LATER, "how": "values", "reason": "x",
        "issued_at": LATER, "issued_by": c.coordinator, "readings": 1, "imported_wh": 1, "exported_wh": 0,
    },
    Meter: lambda c: {"metering_point": c.buyer_point, "serial": "E-1", "valid_from": DAY},
    Contract: lambda c: {
        "participant": c.buyer, "scheme": "standard", "valid_from": dt.date(2020, 1, 1), "valid_to": DAY,
    },
    ReadingAccess: lambda c: {
        "metering_point": c.buyer_point, "readings_from": NOON, "readings_to": LATER, "role": "coordinator",
        "purpose": "point", "user": c.coordinator,
    },
    Consent: lambda c: {
        "participant": c.buyer, "purpose": "directory_name", "given": True, "decided_by": c.colleague,
    },
    ErasureRequest: lambda c: {"participant": c.buyer, "requested_at": NOON},
    RetailOffer: lambda c: {"name": "Own"},
    RetailPrice: lambda c: {
        "offer": default_offer(c.cluster), "group": "G11", "zone": "flat", "energy_pln_kwh": 1, "valid_from": DAY,
    },
    OfferAssignment: lambda c: {"participant": c.buyer, "offer": default_offer(c.cluster), "valid_from": DAY},
    SaleMechanism: lambda c: {"participant": c.seller, "kind": "market", "netting": "hour", "valid_from": DAY},
    ReliefStep: lambda c: {"component": "res", "self_consumption_from": 0, "waived": 1, "valid_from": DAY},
    StandardSalePrice: lambda c: {"legal_form": "person", "month": PERIOD, "pln_mwh": 1, "factor": 1},
    ExternalPrice: lambda c: {"interval_start": LATER, "version": 1, "buy_pln_kwh": 1, "sell_pln_kwh": 0},
    ClusterTerms: lambda c: {"vat_rate": 0, "excise_pln_kwh": 0, "netting": "hour"},
    ClusterSettings: lambda c: {
        "valid_from": dt.date(2026, 7, 1), "allocation": "min_cost", "price_rule": "mid_market", "price_share": 0,
        "residual": "pooled", "dso_settlement": "direct", "buyer_fee_pln_kwh": 0, "seller_fee_pln_kwh": 0,
        "sharing_discount": {},
    },
    StaticKey: lambda c: {"participant": c.buyer, "share": 1, "valid_from": DAY},
    ClearingRun: lambda c: {
        "number": 2, "interval_start": LATER, "revision": 1, "state": "balanced", "surplus_wh": 0, "shortage_wh": 0,
        "matched_wh": 0, "external_import_wh": 0, "external_export_wh": 0, "buy_pln_kwh": 1, "sell_pln_kwh": 0,
        "inverted": False, "operating_cost_pln": 0, "status": "final", "content_digest": "0" * 64, "digest": "2" * 64,
        "previous_digest": "1" * 64, "solver": "HiGHS", "cleared_at": LATER,
    },
    Position: lambda c: {
        "run": c.run, "metering_point": c.buyer_point, "interval_start": LATER, "net_wh": 0, "local_bought_wh": 0,
        "local_sold_wh": 0, "external_bought_wh": 0, "external_sold_wh": 0, "equalisation_pln": 0,
    },
    Trade: lambda c: {
        "run": c.run, "interval_start": LATER, "seller": c.seller_point, "buyer": c.buyer_point,
        "sharing_level": "station", "wh": 1, "energy_pln_kwh": 1, "grid_fee_pln_kwh": 0,
    },
    IntervalState: lambda c: {"interval_start": LATER, "run": c.run, "inputs_seen": 1},
    Statement: lambda c: {
        "participant": c.seller, "period": PERIOD, "revision": 1, "amount_exact_pln": 0, "content_digest": "0" * 64,
        "billed_at": NOON,
    },
    StatementLine: lambda c: {
        "statement": statement(c), "position": 1, "side": "buy", "metering_point": c.buyer_point,
        "component": "excise", "rate_from": PERIOD, "rate_to": dt.date(2026, 7, 1), "quantity": 0, "unit": "kWh",
        "amount_exact_pln": 0, "net_pln": 0,
    },
    ReliefMonth: lambda c: {
        "period": PERIOD, "revision": 1, "injected_wh": 3, "drawn_wh": 2, "shared_wh": 2, "given_wh": 1,
        "missing_readings": 0, "billed_at": NOON,
    },
    Promise: lambda c: {
        "statement": statement(c), "side": "buy", "basis": "net", "p2p_pln": 1, "standard_pln": 2,
        "difference_pln": 1, "assurance_pln": Decimal("0.00"),
    },
    BankFile: lambda c: {
        "name": "july.csv", "sha256": "f" * 64, "received_at": NOON, "user": c.coordinator, "content": b"x",
    },
    BankTransaction: lambda c: {
        "file": bank_file(c), "account": "PL88999999990000000000000900", "booked_on": DAY, "amount_pln": 1,
        "fingerprint": "new",
    },
    BillingPeriod: lambda c: {
        "month": dt.date(2026, 6, 1), "state": "closed", "closed_at": NOON, "last_statement": 1,
    },
    BillingTerms: lambda c: {"valid_from": dt.date(2026, 7, 1)},
    ReminderTerms: lambda c: {"valid_from": dt.date(2026, 7, 1)},
    NumberSeries: lambda c: {"series": "X", "year": 2026},
    Bill: lambda c: BILL | {"participant": c.seller, "reference": "R/2"},
    Document: lambda c: DOCUMENT | {"bill": bill(c), "position": 2, "number": "FS/2"},
    DocumentLine: lambda c: {
        "document": document(c), "position": 1, "component": "excise", "first": PERIOD, "end": dt.date(2026, 7, 1),
        "quantity": 1, "unit": "kWh", "net_pln": 0,
    },
    BillPaper: lambda c: {"bill": bill(c), "language": "pl", "pdf": b"x", "pdf_sha256": "f" * 64, "made_at": NOON},
    BillDelivery: lambda c: {
        "bill": bill(c), "address": "buyer@example.org", "language": "pl", "state": "sent", "not_before": NOON,
        "queued_at": NOON, "changed_at": NOON, "message_id": f"<bill.{c.cluster.pk}.1@example.org>",
    },
    EInvoice: lambda c: {
        "document": document(c), "not_before": NOON, "queued_at": NOON, "changed_at": NOON, "xml": b"<x/>",
        "xml_hash": "x",
    },
    BillOpening: lambda c: {"bill": bill(c), "user": c.coordinator, "at": NOON},
    DistributorInvoice: lambda c: {
        "period": PERIOD, "number": "ZD/1", "issued_on": DAY, "net_pln": 100, "vat_pln": 23, "entry": entry(c),
        "noted_at": NOON, "user": c.coordinator,
    },
    PaymentMatch: lambda c: {"transaction": moved(c), "number": 2, "how": "aside", "reason": "x", "at": NOON},
    Allocation: lambda c: {"match": match(c), "bill": bill(c), "amount_pln": "0.01", "paid_on": DAY},
    PayoutApproval: lambda c: {"bill": bill(c), "at": NOON},
    PayoutBatch: lambda c: PAYOUTS | {"number": 2},
    PayoutItem: lambda c: {
        "batch": payouts(c), "bill": bill(c), "amount_pln": 1, "iban": "x", "name": "x", "title": "x",
    },
    InterestDecision: lambda c: {
        "bill": bill(c), "valid_from": DAY, "valid_to": PERIOD, "amount_pln": 1, "what": "waived", "reason": "x",
        "at": NOON,
    },
    PaymentReminder: lambda c: {"bill": bill(c), "step": 1, "sent_on": DAY, "addresses": "x", "open_pln": 1},
    ReminderPause: lambda c: {"bill": bill(c), "paused": True, "reason": "x", "at": NOON},
    Account: lambda c: {"kind": "rounding"},
    JournalEntry: lambda c: {"number": 2, "booked_on": DAY, "text": "x", "posted_at": NOON},
    Posting: lambda c: {"entry": entry(c), "account": account(c), "amount_pln": 1},
}  # fmt: skip


PARTY = {
    "code": "", "name": "x", "street": "", "postcode": "", "city": "", "country": "PL", "nip": "", "iban": "",
}  # fmt: skip
BILL = {
    "issued_on": dt.date(2026, 7, 2), "due_on": dt.date(2026, 7, 16), "payable_pln": 1, "creditor": PARTY,
    "party": PARTY,
}  # fmt: skip
DOCUMENT = {
    "kind": "sale", "issued_on": dt.date(2026, 7, 2), "first": PERIOD, "end": dt.date(2026, 7, 1), "seller": PARTY,
    "buyer": PARTY, "net_pln": 0, "vat_pln": 0, "payable_pln": 0,
}  # fmt: skip


def bill(cast: Cast) -> Bill:
    fields = BILL | {"participant": cast.buyer}
    return Bill.objects.get_or_create(cluster=cast.cluster, reference="R/1", defaults=fields)[0]


def document(cast: Cast) -> Document:
    fields = DOCUMENT | {"bill": bill(cast), "position": 1}
    return Document.objects.get_or_create(cluster=cast.cluster, number="FS/1", defaults=fields)[0]


def entry(cast: Cast) -> JournalEntry:
    fields = {"booked_on": DAY, "text": "x", "posted_at": NOON}
    found, made = JournalEntry.objects.get_or_create(cluster=cast.cluster, number=1, defaults=fields)
    if made:
        balance(found)
    return found


def balance(of: JournalEntry) -> None:
    """An entry has postings that sum to zero."""
    for kind, amount in (("market", 2), ("excise", -2)):
        other = Account.objects.get_or_create(cluster=of.cluster, kind=kind)[0]
        Posting.objects.create(cluster=of.cluster, entry=of, account=other, amount_pln=amount)


def account(cast: Cast) -> Account:
    return Account.objects.get_or_create(cluster=cast.cluster, kind="bank")[0]


PAYOUTS = {
    "execution_on": DAY, "count": 1, "total_pln": 1, "content": b"x", "sha256": "f" * 64, "at": NOON,
}  # fmt: skip


def payouts(cast: Cast) -> PayoutBatch:
    return PayoutBatch.objects.get_or_create(cluster=cast.cluster, number=1, defaults=PAYOUTS)[0]


def moved(cast: Cast) -> BankTransaction:
    fields = {"file": bank_file(cast), "account": "x", "booked_on": DAY, "amount_pln": 1}
    return BankTransaction.objects.get_or_create(cluster=cast.cluster, fingerprint="known", defaults=fields)[0]


def match(cast: Cast) -> PaymentMatch:
    fields = {"how": "hand", "at": NOON}
    rows = PaymentMatch.objects
    return rows.get_or_create(cluster=cast.cluster, transaction=moved(cast), number=1, defaults=fields)[0]


def bank_file(cast: Cast) -> BankFile:
    fields = {"sha256": "e" * 64, "received_at": NOON, "user": cast.coordinator}
    return BankFile.objects.get_or_create(cluster=cast.cluster, name="june.csv", defaults=fields)[0]


def api_key(cast: Cast) -> ApiKey:
    return ApiKey.objects.get_or_create(cluster=cast.cluster, name="meter", defaults={"secret_sha256": "e" * 64})[0]


def delivery(cast: Cast) -> Delivery:
    defaults = {field: value for field, value in DELIVERY.items() if field != "name"}
    return Delivery.objects.get_or_create(cluster=cast.cluster, name="another.csv", defaults=defaults)[0]


def application(cast: Cast) -> Application:
    return Application.objects.get_or_create(
        cluster=cast.cluster, user=cast.owner, defaults={"language": "pl", "created_at": NOON}
    )[0]


def statement(cast: Cast) -> Statement:
    fields = {"revision": 1, "amount_exact_pln": 0, "content_digest": "0" * 64, "billed_at": NOON}
    return Statement.objects.get_or_create(
        cluster=cast.cluster, participant=cast.buyer, period=PERIOD, defaults=fields
    )[0]


def make_row(model: type[models.Model], cast: Cast, **changes: Any) -> models.Model:
    if model in (Coordinator, ClusterTerms):  # The cast made the only one that a cluster may have.
        return model._base_manager.get(cluster=cast.cluster)
    if model is Posting:  # Never one alone.
        other = Account.objects.get_or_create(cluster=cast.cluster, kind="rounding")[0]
        Posting.objects.create(cluster=cast.cluster, entry=entry(cast), account=other, amount_pln=-1)
    if model is ReadingDay:
        return day_of_readings(cast, cast.buyer_point)
    if model is Change:  # Only the database writes these, and it did when the cast was made.
        return Change.objects.order_by("pk").latest("pk")
    row = model._base_manager.create(cluster=cast.cluster, **NEW_ROWS[model](cast) | changes)
    if isinstance(row, JournalEntry):
        balance(row)
    return row


def day_of_readings(cast: Cast, point: MeteringPoint) -> ReadingDay:
    """Only the database writes these, from readings of a month that ended long ago."""
    old = dt.datetime(2020, 6, 11, 10, tzinfo=NOON.tzinfo)
    ensure_month_partitions("metering_reading", old, old)
    row = NEW_ROWS[Reading](cast) | {"interval_start": old, "metering_point": point}
    Reading.objects.create(cluster=cast.cluster, **row)
    AggregatedMonth.objects.create(cluster=cast.cluster, month=dt.date(2020, 6, 1), at=NOON)
    with connection.cursor() as cursor:
        cursor.execute("SELECT aggregate_readings(%s, %s)", [cast.cluster.pk, old.date()])
    return ReadingDay.objects.get(metering_point=point)
