"""1,000 bills as PDF on two processes: from issued bills in the database to stored PDFs, as the workers do it."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from bench.database import Measured, timed
from billing.domain.documents import Bill, Document, DocumentKind, DocumentLine, EnergyShare, KeptPromise, Party
from billing.selectors.papers import batches_to_make, progress
from billing.services.bills import BillDraft, issue
from billing.services.papers import make_papers
from participants.models import Cluster, Participant
from participants.tenancy.scope import scope

BILLS = 1000
PROCESSES = 2
SLUG = "three-stations"
FIRST, END, ISSUED = date(2026, 6, 1), date(2026, 7, 1), date(2026, 7, 2)
NOW = datetime(2026, 7, 2, tzinfo=UTC)
#: Component, zone, level of what a prosumer of two zones buys, each in as many lines as a month has.
BOUGHT = [
    *(("local_energy", zone, level) for zone in ("day", "night") for level in ("station", "substation", "cluster")),
    *(("external_energy", zone, "external") for zone in ("day", "night")),
    *(("network_variable", zone, level) for zone in ("day", "night") for level in ("station", "cluster", "external")),
    *((name, "", "external") for name in ("excise", "equalisation", "service_fee", "quality", "res", "cogeneration")),
]
SOLD = [("local_energy_sold", "", "station"), ("external_energy_sold", "", "external"), ("service_fee", "", "station")]


def make_bills() -> Measured:
    """Seconds for all; the floor is one process's time for what setting alone takes."""
    cluster = Cluster.objects.get(slug=SLUG)
    with scope(cluster.pk):
        people = list(Participant.objects.filter(cluster=cluster).order_by("code"))
        for start in range(0, BILLS, 100):
            drafts = [
                BillDraft(_content(number, people[number % len(people)]), people[number % len(people)], FIRST)
                for number in range(start, start + 100)
            ]
            issue(cluster, drafts, NOW)
        batches = batches_to_make(cluster.pk)
    shares = [batches[number::PROCESSES] for number in range(PROCESSES)]
    seconds = timed(lambda: _in_processes(shares))
    with scope(cluster.pk):
        made = progress(cluster.pk)
    if made.made != BILLS:
        sys.exit(f"{made.made} of {BILLS} bills were made")
    return seconds, timed(lambda: [_set(number) for number in range(BILLS // 10)]) * 10 / PROCESSES


def _in_processes(shares: list[list[int]]) -> None:
    command = [sys.executable, "-m", "bench.papers"]
    workers = [subprocess.Popen([*command, *map(str, share)], env=dict(os.environ)) for share in shares]
    if sum(worker.wait() for worker in workers):
        sys.exit("a process failed")


def _set(number: int) -> None:
    from billing.papers.pdf import pdf_of_bill

    pdf_of_bill(_content(number + BILLS, None), "pl")


def _content(number: int, participant: Participant | None) -> Bill:
    """A prosumer's bill: an invoice of 20 lines and a note of 3, no two alike."""
    seller = Party(
        "", "Koordynator", "ul. Polna 1", "00-001", "Trzy Stacje", "PL", "1000158380", "PL88999999990000000000000900"
    )
    code = participant.code if participant else "P"
    buyer = replace(seller, code=code, name=participant.name if participant else "Anna", nip="")
    sale = Document(
        DocumentKind.SALE,
        f"FS/{number}",
        ISSUED,
        FIRST,
        END,
        seller,
        buyer,
        tuple(_lines(number, BOUGHT, Decimal("0.23"))),
    )
    note = Document(
        DocumentKind.NOTE, f"NR/{number}", ISSUED, FIRST, END, buyer, seller, tuple(_lines(number, SOLD, None))
    )
    levels = ("station", "substation", "cluster", "external")
    energy = tuple(
        EnergyShare(side, level, (number + 7) * 131 + place)
        for side in ("buy", "sell")
        for place, level in enumerate(levels)
    )
    kept = tuple(
        KeptPromise(side, "gross", Decimal(number), Decimal(number + 9), Decimal("0.00")) for side in ("buy", "sell")
    )
    return Bill(f"R/{number}", ISSUED, date(2026, 7, 16), seller, buyer, (sale, note), energy, kept)


def _lines(number: int, what: list[tuple[str, str, str]], rate: Decimal | None) -> list[DocumentLine]:
    return [
        DocumentLine(
            position, "590000000000000013", component, zone, level, FIRST, END,
            Decimal(number * 37 + position).scaleb(-3), "kWh", Decimal("0.412345"),
            Decimal(number * 11 + position).scaleb(-2), rate,
        )
        for position, (component, zone, level) in enumerate(what, start=1)
    ]  # fmt: skip


if __name__ == "__main__":
    import django

    django.setup()
    for batch in sys.argv[1:]:
        make_papers(Cluster.objects.get(slug=SLUG), int(batch), NOW)
