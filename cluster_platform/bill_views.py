"""A member's bills: the list, one bill as a page, and its PDF."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language

from billing.domain.documents import ZERO
from billing.models import Bill, BillPaper
from billing.papers.letter import file_name
from billing.papers.pdf import svg_of
from billing.papers.sheet import bill_sheet
from billing.selectors.bills import bill_content
from billing.selectors.ledger import statement_of_account
from cluster_platform.fault_words import finding_in_words
from cluster_platform.portal import bills as own_bills
from cluster_platform.views import Member, for_members, frame


@for_members
def bills(request: HttpRequest, member: Member) -> HttpResponse:
    """All bills, the newest first; the newest is the answer."""
    found = own_bills.list_of(member.cluster, member.participant, _user(request), member.today)
    return render(request, "member/bills.html", frame(member, "money") | {"found": found})


@for_members
def account(request: HttpRequest, member: Member) -> HttpResponse:
    """The member's statement of account: what was billed and paid, and what is owed after each, the latest first."""
    lines = statement_of_account(member.cluster.pk, member.participant.pk)
    context = frame(member, "money") | {
        "lines": [(line, finding_in_words(line.text)) for line in reversed(lines)],
        "balance_pln": lines[-1].balance_pln if lines else ZERO,
    }
    return render(request, "member/account.html", context)


@for_members
def bill(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """One bill, with what is in its PDF; it is not new any more."""
    row = _own(member, number)
    sheet = bill_sheet(next(bill_content(Bill.objects.filter(pk=row.pk))), get_language() or "pl")
    own_bills.note_opened(row, _user(request), member.now)
    context = frame(member, "money") | {
        "bill": row,
        "sheet": sheet,
        "say": sheet.labels,
        "code": svg_of(sheet.code, page=True) if sheet.code else "",
        "has_pdf": BillPaper.objects.filter(bill=row).exists(),
        "related": own_bills.related(row),
        "standing": next(
            each
            for each in own_bills.list_of(member.cluster, member.participant, _user(request), member.today)
            if each.bill.pk == row.pk
        ),
    }
    return render(request, "member/bill.html", context)


@for_members
def bill_pdf(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """The PDF that was made when the bill was issued, byte for byte."""
    return pdf_response(_own(member, number))


def pdf_response(row: Bill) -> HttpResponse:
    """404 as long as it is not made."""
    paper = BillPaper.objects.filter(bill=row).first()
    if paper is None:
        raise Http404
    return HttpResponse(
        bytes(paper.pdf),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{file_name(row)}"'},
    )


def _own(member: Member, number: int) -> Bill:
    return get_object_or_404(Bill, pk=number, participant=member.participant)


def _user(request: HttpRequest) -> Any:
    return request.user
