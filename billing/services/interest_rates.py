"""Statutory interest rates for late payment, from a table (docs/payments.md)."""

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from django.db import transaction

from billing.domain.errors import BillingError
from billing.models import InterestRate

SHIPPED = Path(__file__).parent.parent / "data" / "interest_rates_pl.csv"
COLUMNS = ["kind", "valid_from", "percent"]


@transaction.atomic
def load_interest_rates(path: Path = SHIPPED) -> int:
    """Store the rates that are new or differ; returns how many. Raises BillingError that names the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BillingError(f"{path} can't be read: {error}") from error
    if not rows or rows[0] != COLUMNS:
        raise BillingError(f"{path}, line 1: the columns must be {','.join(COLUMNS)}")
    stored = {(rate.kind, rate.valid_from): rate for rate in InterestRate.objects.all()}
    changed = 0
    for number, row in enumerate(rows[1:], start=2):
        kind, day, percent = _parsed(f"{path}, line {number}", row)
        known = stored.get((kind, day))
        if known is None or known.percent != percent:
            InterestRate.objects.update_or_create(kind=kind, valid_from=day, defaults={"percent": percent})
            changed += 1
    return changed


def _parsed(place: str, row: list[str]) -> tuple[str, date, Decimal]:
    try:
        kind, day, percent = row
        if kind not in InterestRate.Kind.values:
            raise BillingError(f"{place}: '{kind}' is not one of {', '.join(InterestRate.Kind.values)}")
        value = Decimal(percent)
        if not 0 <= value <= 100 or value != round(value, 2):
            raise BillingError(f"{place}: '{percent}' is not a percentage with two decimals")
        return kind, date.fromisoformat(day), value
    except (ValueError, InvalidOperation) as error:
        raise BillingError(f"{place}: '{','.join(row)}' is not a line such as statutory,2026-03-05,9.25") from error
