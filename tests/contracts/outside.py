"""A supplier and a buyer outside, and their terms."""

import datetime as dt
from decimal import Decimal
from typing import Any

from contracts.models import ExternalPartner, ExternalTerms
from participants.models import Cluster

FIRST = dt.date(2026, 1, 1)


def make_partner(cluster: Cluster, kind: str = "seller", **fields: Any) -> ExternalPartner:
    names = {"seller": ("Example Trade", "1000237576"), "buyer": ("Example Offtake", "1000158380")}
    name, nip = names[kind]
    known = {"name": name, "nip": nip, "street": "ul. Przykladowa 3", "postcode": "00-001", "city": "Trzystacje"}
    return ExternalPartner.objects.create(cluster=cluster, kind=kind, **known | fields)


def make_terms(partner: ExternalPartner, fixed: str | None = None, **fields: Any) -> ExternalTerms:
    """Fixed at so many PLN/MWh, or else the market price itself."""
    price: dict[str, Any] = (
        {"kind": "fixed", "price_pln_mwh": Decimal(fixed)}
        if fixed is not None
        else {"kind": "indexed", "factor": Decimal(1), "margin_pln_mwh": Decimal(0)}
    )
    direction = "buy" if partner.kind == "seller" else "sell"
    return ExternalTerms.objects.create(
        cluster=partner.cluster, partner=partner, direction=direction, **{"valid_from": FIRST, **price, **fields}
    )
