"""Laws of documents over random clusters: nothing is lost between statements, documents and ledger, to the grosz."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.domain.documents import DocumentKind, Party
from billing.domain.issue import BilledLine, IssueTerms, bills, contents, documents, exact_postings
from billing.domain.ledger import ROUNDED, AccountKind, account_of_component, document_postings, rounding_postings
from billing.domain.statement import StatementDraft
from contracts.domain.money import from_nano, half_up
from tests.billing.bills import COORDINATOR
from tests.billing.test_statement_laws import END, START, World, worlds

DSO = Party("", "Dystrybucja", "", "", "", "PL", "1000237576", "PL61999999990000000000000901")
MODES = {
    "coordinator": (), "direct": ((START, END),), "switched": ((dt.date(2026, 10, 25), dt.date.max),),
}  # fmt: skip


def billed_lines(draft: StatementDraft) -> list[BilledLine]:
    return [
        BilledLine(
            line.side, line.metering_point, line.component, line.zone, line.sharing_level, line.rate_from,
            line.rate_to, from_nano(line.quantity_nano), line.unit, from_nano(line.amount_nano),
        )
        for line in draft.lines
    ]  # fmt: skip


def terms_of(direct: Any) -> IssueTerms:
    return IssueTerms(
        START, END, dt.date(2026, 11, 2), dt.date(2026, 11, 16), Decimal("0.23"), COORDINATOR, DSO, direct
    )


def party(code: str) -> Party:
    return Party(code, code, "", "", "", "PL", "", "")


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_statements_documents_and_ledger_agree_to_the_grosz(mode: str, world: World) -> None:
    terms = terms_of(MODES[mode])
    posted: dict[AccountKind, Decimal] = defaultdict(Decimal)
    exact: dict[AccountKind, Decimal] = defaultdict(Decimal)
    payable = vat = rounded = statements = grid_paid = Decimal(0)
    for draft in world.statements():
        lines = billed_lines(draft)
        papers = documents(contents(lines, terms, draft.member.vat_payer), terms, party(draft.member.code))
        for bill in bills(papers, terms, party(draft.member.code)):
            if bill.creditor == COORDINATOR:
                payable += bill.payable_pln
            else:
                grid_paid += bill.payable_pln
        for paper in papers:
            sign = -1 if paper.kind in (DocumentKind.SELF_BILLING, DocumentKind.NOTE) else 1
            vat += sign * paper.vat_pln
            rounded += sign * (paper.payable_pln - paper.vat_pln)
            for kind, amount in document_postings(paper).items():
                posted[kind] += amount
        for kind, amount in exact_postings(((e.component, e.first, e.amount_pln) for e in lines), terms).items():
            exact[kind] += amount
        statements += sum((line.amount_pln for line in lines), Decimal(0))
    assert payable + grid_paid == rounded + vat
    assert posted[AccountKind.PARTICIPANT] == payable
    owed = {kind: posted[kind] for kind in ROUNDED}
    correction = rounding_postings(exact, owed)
    assert sum(correction.values()) == 0
    for kind, amount in correction.items():
        posted[kind] += amount
    assert sum(posted.values()) == 0
    # What neighbours pay each other cancels out: the market is the outside's, to the grosz.
    assert posted[AccountKind.MARKET] == half_up(from_nano(world.sale - world.purchase), 2)
    direct = any(first <= START and END <= end for first, end in terms.direct)
    if direct:
        assert posted[AccountKind.DISTRIBUTOR] == 0
    assurance = sum(promise.assurance_cents for s in world.statements() for promise in s.promises)
    assert posted[AccountKind.ASSURANCE] == Decimal(assurance).scaleb(-2)
    # All that was rounded is the rounding account's and less than half a grosz a line and account.
    lines_count = sum(len(s.lines) for s in world.statements())
    assert abs(posted[AccountKind.ROUNDING]) <= Decimal("0.005") * (lines_count + len(ROUNDED))
    assert abs(rounded - statements) <= Decimal("0.005") * lines_count


@settings(max_examples=100, deadline=None)
@given(world=worlds(), direct=st.sampled_from(list(MODES.values())))
def test_each_line_stands_on_one_document_with_its_sign(world: World, direct: Any) -> None:
    terms = terms_of(direct)
    for draft in world.statements():
        lines = billed_lines(draft)
        found = contents(lines, terms, draft.member.vat_payer)
        assert sum(len(each.lines) + len(each.settlements) for each in found.values()) == len(lines)
        for kind, content in found.items():
            for line in content.lines:
                own = account_of_component(line.component)
                in_direct = any(first <= line.first < end for first, end in terms.direct)
                assert (kind == DocumentKind.GRID) == (own == AccountKind.DISTRIBUTOR and in_direct)
                assert (line.vat_rate is None) == (kind == DocumentKind.NOTE)
        sold = {each for each in found if each in (DocumentKind.SELF_BILLING, DocumentKind.NOTE)}
        expected = DocumentKind.SELF_BILLING if draft.member.vat_payer else DocumentKind.NOTE
        assert sold <= {expected}
        assert draft.member.vat_payer or all(
            line.component != "service_fee" or line.net_pln <= 0 for kind in sold for line in found[kind].lines
        )
