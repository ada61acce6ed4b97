"""Bills as PDF in one ZIP file, given out part by part while it is made."""

from collections.abc import Iterator
from zipfile import ZipFile, ZipInfo

from django.db.models import QuerySet

from billing.models import Bill, BillPaper
from billing.papers.letter import file_name
from participants.tenancy.scope import scope

#: PDFs that are in memory at once.
READ_AT_ONCE = 25


class _Outlet:
    """What ZipFile writes to: a file that can't be gone back in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def zip_of_papers(cluster_id: int, bills: QuerySet[Bill]) -> Iterator[bytes]:
    """The PDFs as they were stored and sent, in the order of issue; the same bills give the same bytes.

    Opens its own scopes, one a part, so that a slow reader keeps no transaction open. PDFs are compressed in
    themselves and stored as they are.
    """
    outlet, after = _Outlet(), 0
    with ZipFile(outlet, "w") as archive:  # type: ignore[call-overload]
        while True:
            with scope(cluster_id):
                wanted = BillPaper.objects.filter(bill__in=bills, bill_id__gt=after).select_related("bill")
                papers = list(wanted.order_by("bill_id")[:READ_AT_ONCE])
            if not papers:
                break
            for paper in papers:
                issued = paper.bill.issued_on
                entry = ZipInfo(file_name(paper.bill), (issued.year, issued.month, issued.day, 0, 0, 0))
                archive.writestr(entry, bytes(paper.pdf))
            after = papers[-1].bill_id
            yield outlet.take()
    yield outlet.take()
