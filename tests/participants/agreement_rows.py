"""New rows of agreements for the tests of isolation."""

import datetime as dt

from clearing.models import (
    ExternalDifference,
    ExternalInvoiceFile,
    ExternalInvoiceLine,
    ExternalLine,
    ExternalRules,
    ExternalSettlement,
)
from contracts.models import (
    Agreement,
    AgreementDocument,
    AgreementEvent,
    AgreementSignature,
    AgreementTemplate,
    ExternalPartner,
    ExternalTerms,
)
from tests.cast import DAY, NOON, Cast

SHA = "0" * 64


def template(cast: Cast) -> AgreementTemplate:
    fields = {"body": "# Text", "notice_days": 30, "created_at": NOON}
    return AgreementTemplate.objects.get_or_create(
        cluster=cast.cluster, kind="participant", language="en", version=2, defaults=fields
    )[0]


def agreement(cast: Cast) -> Agreement:
    fields = {
        "kind": "participant", "participant": cast.buyer, "language": "en", "start_day": DAY, "notice_days": 30,
    }  # fmt: skip
    return Agreement.objects.get_or_create(cluster=cast.cluster, number=900, defaults=fields)[0]


def document(cast: Cast) -> AgreementDocument:
    fields = {
        "template": template(cast), "variables": {}, "text": "Text", "text_sha256": SHA, "pdf": b"%PDF",
        "pdf_sha256": SHA, "rendered_at": NOON,
    }  # fmt: skip
    return AgreementDocument.objects.get_or_create(cluster=cast.cluster, agreement=agreement(cast), defaults=fields)[0]


def partner(cast: Cast) -> ExternalPartner:
    fields = ROWS[ExternalPartner](cast) | {"nip": "1000158380"}
    return ExternalPartner.objects.get_or_create(cluster=cast.cluster, **fields)[0]


def settlement(cast: Cast) -> ExternalSettlement:
    fields = ROWS[ExternalSettlement](cast) | {"period": dt.date(2026, 4, 1)}
    return ExternalSettlement.objects.get_or_create(cluster=cast.cluster, period=fields.pop("period"), defaults=fields)[
        0
    ]


ROWS = {
    ExternalPartner: lambda c: {
        "kind": "seller", "name": "Trader", "nip": "1000237576", "street": "ul. Przykladowa 1",
        "postcode": "00-001", "city": "Trzystacje",
    },
    ExternalTerms: lambda c: {
        "partner": partner(c), "direction": "buy", "kind": "fixed", "price_pln_mwh": 400, "valid_from": DAY,
        "valid_to": dt.date(2026, 2, 1),
    },
    ExternalRules: lambda c: {"four_eyes": True},
    ExternalSettlement: lambda c: {
        "partner": partner(c), "direction": "purchase", "period": dt.date(2026, 5, 1), "computed_at": NOON,
        "prepared_by": c.coordinator, "prepared_at": NOON,
    },
    ExternalLine: lambda c: {"settlement": settlement(c), "interval_start": NOON, "wh": 1, "price_pln_kwh": 1},
    ExternalInvoiceLine: lambda c: {"settlement": settlement(c), "interval_start": NOON, "row": 2, "wh": 1},
    ExternalInvoiceFile: lambda c: {
        "settlement": settlement(c), "name": "x.csv", "content": b"x", "sha256": SHA, "uploaded_by": c.coordinator,
        "uploaded_at": NOON,
    },
    ExternalDifference: lambda c: {
        "settlement": settlement(c), "kind": "volume", "interval_start": NOON, "ours": 1, "theirs": 2,
    },
    AgreementTemplate: lambda c: {
        "kind": "participant", "language": "en", "version": 1, "body": "# Text", "notice_days": 30, "created_at": NOON,
    },
    Agreement: lambda c: {
        "number": 901, "kind": "participant", "participant": c.buyer, "language": "en", "start_day": DAY,
        "notice_days": 30,
    },
    AgreementDocument: lambda c: {
        "agreement": Agreement.objects.create(cluster=c.cluster, **ROWS[Agreement](c) | {"number": 902}),
        "template": template(c), "variables": {}, "text": "Text", "text_sha256": SHA, "pdf": b"%PDF",
        "pdf_sha256": SHA, "rendered_at": NOON,
    },
    AgreementSignature: lambda c: {
        "document": document(c), "side": "partner", "user": c.colleague, "email": c.colleague.email, "at": NOON,
        "pdf_sha256": SHA, "declaration": "I accept.", "ip": "192.0.2.1", "authentication": [{"method": "password"}],
    },
    AgreementEvent: lambda c: {
        "agreement": agreement(c), "position": 1, "act": "prepare", "source": "new", "target": "draft",
        "day": DAY, "at": NOON,
    },
}  # fmt: skip
