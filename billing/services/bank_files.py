"""Bank statements: looked at before anything is stored; a booking is stored once, whatever file brings it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from billing.domain.bank import BankLine, with_fingerprints
from billing.domain.errors import BillingError
from billing.formats.bank_registry import read_bank_file
from billing.formats.words import OTHER_ACCOUNT
from billing.models import BankFile, BankTransaction
from billing.services.locks import lock_payments
from metering.formats.base import Fault, fault
from participants.models import Cluster, Coordinator

LARGEST_BYTES = 5 << 20


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A booking of the file; `known`: stored already."""

    line: BankLine
    fingerprint: str
    known: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file holds and what of it is new."""

    format: str
    lines: tuple[PreviewLine, ...]
    faults: tuple[Fault, ...]

    @property
    def new(self) -> list[PreviewLine]:
        """What storing adds."""
        return [each for each in self.lines if not each.known]


def receive_bank_file(cluster: Cluster, name: str, content: bytes, user_id: int, now: datetime) -> BankFile:
    """Keep an uploaded file to be looked at; raises BillingError for one that is too large."""
    if len(content) > LARGEST_BYTES:
        raise BillingError(f"the file is larger than {LARGEST_BYTES >> 20} MB; export a shorter time from the bank")
    preview = preview_of(cluster, content)
    return BankFile.objects.create(
        cluster=cluster, name=name[:200], sha256=hashlib.sha256(content).hexdigest(), received_at=now, user_id=user_id,
        content=content, format=preview.format, bookings=len(preview.lines), new=len(preview.new),
        faulty=len(preview.faults),
    )  # fmt: skip


def preview_of(cluster: Cluster, content: bytes) -> Preview:
    """What is in a file, compared with what is stored. Bookings of another account are none of ours."""
    ours = Coordinator.objects.filter(cluster=cluster).values_list("iban", flat=True).first() or ""
    found = read_bank_file(content, ours)
    faults = [*found.faults]
    lines = []
    for line in found.lines:
        if line.account == ours:
            lines.append(line)
        else:
            faults.append(fault(line.line, "", OTHER_ACCOUNT, value=line.account, ours=ours))
    marked = list(with_fingerprints(lines))
    stored = set(
        BankTransaction.objects.filter(cluster=cluster, fingerprint__in=[mark for _, mark in marked]).values_list(
            "fingerprint", flat=True
        )
    )
    faults.sort(key=lambda each: each.line)
    return Preview(found.format, tuple(PreviewLine(line, mark, mark in stored) for line, mark in marked), tuple(faults))


@transaction.atomic
def store_bank_file(file: BankFile) -> list[BankTransaction]:
    """Store what is new of a file that was looked at; returns it. A file that is stored or cancelled adds nothing."""
    lock_payments(file.cluster_id)
    file = BankFile.objects.select_for_update().get(cluster=file.cluster_id, pk=file.pk)
    if file.state != BankFile.State.PREVIEWED:
        return []
    new = preview_of(file.cluster, bytes(file.content)).new
    stored = BankTransaction.objects.bulk_create([_row(file, each.line, each.fingerprint) for each in new])
    file.state, file.new, file.content = BankFile.State.STORED, len(stored), b""
    file.save(update_fields=["state", "new", "content"])
    return stored


@transaction.atomic
def cancel_bank_file(file: BankFile) -> bool:
    """Store nothing of it; whether it was still to be decided."""
    waiting = BankFile.objects.filter(cluster=file.cluster_id, pk=file.pk, state=BankFile.State.PREVIEWED)
    return bool(waiting.update(state=BankFile.State.CANCELLED, new=0, content=b""))


def _row(file: BankFile, line: BankLine, fingerprint: str) -> BankTransaction:
    return BankTransaction(
        cluster_id=file.cluster_id, file=file, account=line.account, booked_on=line.booked_on,
        amount_pln=line.amount_pln, partner_name=line.partner_name[:200], partner_account=line.partner_account[:64],
        title=line.title[:500], reference=line.reference[:100], fingerprint=fingerprint,
    )  # fmt: skip
