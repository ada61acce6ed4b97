"""Exported statements, and what the second way to a bill says they should be, in the same form."""

from collections import defaultdict
from fractions import Fraction
from math import ceil
from pathlib import Path

from tests.billing.recompute import Bill, Month, half_up, rows

#: (participant, side) → basis, p2p, standard, difference, assurance.
Promises = dict[tuple[str, str], tuple[object, ...]]


def exported_bills(out: Path) -> dict[str, Bill]:
    """Participant → its lines but assurance; quantities of equalisation are left out."""
    bills: dict[str, Bill] = defaultdict(lambda: defaultdict(lambda: [Fraction(0), Fraction(0)]))
    for row in rows(out / "statements.csv"):
        if row["component"] != "assurance":
            key = row["metering_point"], row["component"], row["zone"], row["sharing_level"]
            entry = bills[row["participant"]][key]
            entry[0] += Fraction(row["quantity"]) if row["component"] != "equalisation" else 0
            entry[1] += Fraction(row["amount_exact_pln"])
    return {participant: dict(bill) for participant, bill in bills.items()}


def without_zero_equalisation(bill: Bill) -> Bill:
    return {key: value for key, value in bill.items() if key[1] != "equalisation" or value[1]}


def recomputed_promises(month: Month, bills: dict[str, Bill], vat: Fraction, hourly: bool) -> Promises:
    """The promises that the second way's bills lead to."""
    standard = month.standard(set(bills), hourly)
    vat_payers = {row["id"] for row in month.tables["participants"] if row["vat_payer"] == "yes"}
    found = {}
    for participant, bill in bills.items():
        sold = sum(amount for key, (_, amount) in bill.items() if key[1].endswith("_sold"))
        sold += month.sold_equalisation(participant)
        bought = sum(amount for _, amount in bill.values()) - sold
        factor = Fraction(1) if participant in vat_payers else 1 + vat
        for side, amount, other, by, basis in (
            ("buy", bought, standard[participant][0], factor, "net" if participant in vat_payers else "gross"),
            ("sell", sold, standard[participant][1], Fraction(1), "net"),
        ):
            p2p, against = half_up(amount * by, 9), half_up(other * by, 9)
            assurance = Fraction(max(0, ceil((p2p - against) * 100)), 100)
            found[participant, side] = (basis, p2p, against, against - p2p, assurance)
    return found


def exported_promises(out: Path) -> Promises:
    """The promises as written."""
    return {
        (row["participant"], row["side"]): (
            row["basis"],
            *(Fraction(row[name]) for name in ("p2p_pln", "standard_pln", "difference_pln", "assurance_pln")),
        )
        for row in rows(out / "promises.csv")
    }
