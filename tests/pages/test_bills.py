"""Bills on a member's pages, and on their way in the coordinator's admin."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Bill, BillDelivery, BillOpening, BillPaper, Document
from billing.selectors.papers import batches_to_make
from billing.services.bills import BillDraft, issue
from billing.services.deliveries import queue_bills, send_again
from billing.services.papers import make_papers
from participants.models import Membership, User
from participants.tenancy.scope import scope
from tests.billing.bills import FIRST
from tests.billing.paper_bills import corrected, hostile, producer, prosumer
from tests.cast import NOON, Cast, make_cast, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
DELIVERIES = "/admin/billing/billdelivery/"


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def issued(cast: Cast, content: Any = None, period: dt.date | None = FIRST) -> Bill:
    with scope(cast.cluster.pk):
        return issue(cast.cluster, [BillDraft(content or prosumer(), cast.seller, period)], NOON)[0]


def on_paper(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        batches = batches_to_make(cast.cluster.pk)
    for batch in batches:
        make_papers(cast.cluster, batch, NOON)


def role(cast: Cast, **fields: Any) -> User:
    user = make_user("else@example.org", with_app=fields["role"] == "coordinator")
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=user, **fields)
    return user


def test_without_a_bill_the_list_says_when_one_comes(cast: Cast) -> None:
    assert "There is no bill yet" in text_of(signed_in(cast.owner).get("/bills/"))
    assert "A new bill is here" not in text_of(signed_in(cast.owner).get("/"))


def test_the_list_begins_with_the_newest_and_its_state(cast: Cast) -> None:
    issued(cast)
    issued(cast, producer())
    text = text_of(signed_in(cast.owner).get("/bills/"))
    assert "94.97 PLN you are paid by 16 July 2026 · June 2026 · to be paid out" in text
    assert "June 2026 new R/2026/00001 322.21 PLN to pay overdue by 16/07/2026 –" in text
    assert "June 2026 new R/2026/00002 94.97 PLN paid to you to be paid out by 16/07/2026 –" in text
    assert "po terminie" in text_of(signed_in(cast.owner, "pl").get("/bills/"))


def test_home_tells_of_a_new_bill_until_this_login_has_opened_it(cast: Cast) -> None:
    bill = issued(cast)
    reader = role(cast, role="member", level="read", participant=cast.seller)
    home = text_of(signed_in(cast.owner).get("/"))
    assert "A new bill is here: R/2026/00001 · 322.21 PLN to pay by 16 July 2026" in home
    for _ in range(2):
        assert signed_in(cast.owner).get(f"/bills/{bill.pk}/").status_code == 200
    assert "A new bill" not in text_of(signed_in(cast.owner).get("/"))
    assert "A new bill" in text_of(signed_in(reader).get("/"))
    assert "A new bill" not in text_of(signed_in(cast.colleague).get("/"))
    with scope(cast.cluster.pk):
        assert BillOpening.objects.get().user == cast.owner


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("To pay by 16 July 2026", "322.21", "Where your energy came from · 403 kWh",
                "You are better off by 38.14 PLN",
                "Neighbours at your station", "82.4 kWh 20 %", "Quality fee · all day 402.785 kWh 12.37",
                "Settlement note NR/2026/00001", "Total of the document: 399.42 PLN")),
        ("pl", ("Do zapłaty do 16 lipca 2026", "322,21", "Skąd pochodziła Twoja energia · 403 kWh",
                "Zyskujesz 38,14 zł",
                "Opłata jakościowa · całodobowo 402,785 kWh 12,37", "Nota rozliczeniowa NR/2026/00001")),
    ],
)  # fmt: skip
def test_a_bill_as_page_has_what_is_in_its_pdf(cast: Cast, language: str, said: tuple[str, ...]) -> None:
    bill = issued(cast)
    response = signed_in(cast.owner, language).get(f"/bills/{bill.pk}/")
    text = text_of(response)
    for each in said:
        assert each in text
    page = response.content.decode()
    assert "<svg" in page.split('class="bill-code"')[1][:200]
    assert " style=" not in page and "javascript:" not in page


def test_names_are_only_text(cast: Cast) -> None:
    content = hostile()
    own = replace(content.documents[0], settlements=())
    bill = issued(cast, replace(content, documents=(own,)))
    page = signed_in(cast.owner).get(f"/bills/{bill.pk}/").content.decode()
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page


def test_the_pdf_is_the_one_that_was_kept(cast: Cast) -> None:
    bill = issued(cast)
    client = signed_in(cast.owner)
    assert client.get(f"/bills/{bill.pk}.pdf").status_code == 404
    assert "The PDF is not ready yet" in text_of(client.get(f"/bills/{bill.pk}/"))
    on_paper(cast)
    response = client.get(f"/bills/{bill.pk}.pdf")
    with scope(cast.cluster.pk):
        assert response.content == bytes(BillPaper.objects.get().pdf)
    assert response["Content-Disposition"] == 'attachment; filename="R-2026-00001.pdf"'
    assert response["Content-Type"] == "application/pdf" and "no-store" in response["Cache-Control"]


def test_a_bill_is_the_participants_alone(cast: Cast) -> None:
    bill = issued(cast)
    on_paper(cast)
    other = make_cast("beta")
    reader = role(cast, role="member", level="read", participant=cast.seller)
    for address in (f"/bills/{bill.pk}/", f"/bills/{bill.pk}.pdf"):
        assert signed_in(reader).get(address).status_code == 200
        for user in (cast.colleague, other.owner):
            assert signed_in(user).get(address).status_code == 404
        for user in (cast.coordinator, make_user(f"nobody{len(address)}@example.org")):
            assert signed_in(user).get(address).status_code == 403
        assert signed_in(cast.owner).post(address).status_code == 405
    assert "R/2026" not in text_of(signed_in(cast.colleague).get("/bills/"))
    with scope(cast.cluster.pk):
        assert [row.user for row in BillOpening.objects.all()] == [reader]


def test_a_correction_stands_beside_its_original(cast: Cast) -> None:
    first = issued(cast)
    with scope(cast.cluster.pk):
        original = Document.objects.get(bill=first, kind="sale")
    sale, correction = corrected().documents
    assert correction.corrects is not None
    correction = replace(correction, corrects=replace(correction.corrects, number=original.number))
    second = issued(cast, replace(corrected(), documents=(sale, correction)))
    client = signed_in(cast.owner)
    assert f"FS/2026/00001 was corrected by KFS/2026/00001: {second.reference}" in text_of(
        client.get(f"/bills/{first.pk}/")
    )
    text = text_of(client.get(f"/bills/{second.pk}/"))
    for said in (
        f"KFS/2026/00001 corrects FS/2026/00001: {first.reference}", "Before the correction", "After the correction",
        "Corrects FS/2026/00001 of", "The buyer owes less: 78.34 PLN", "66.04",
    ):  # fmt: skip
        assert said in text
    assert "corrects FS/2026/00001" in text_of(client.get("/bills/"))


def test_the_list_asks_as_often_for_many_bills_as_for_one(cast: Cast) -> None:
    counts = []
    client = signed_in(cast.owner)
    client.get("/bills/")
    for _ in range(2):
        issued(cast)
        with CaptureQueriesContext(connection) as queries:
            client.get("/bills/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def on_the_way(cast: Cast, **states: int) -> list[BillDelivery]:
    """A delivery in each state."""
    for _state in states:
        issued(cast)
    on_paper(cast)
    with scope(cast.cluster.pk):
        queue_bills(cast.cluster, NOON)
        rows = list(BillDelivery.objects.order_by("pk"))
        for row, state in zip(rows, states, strict=True):
            BillDelivery.objects.filter(pk=row.pk).update(state=state, reason=f"because {state}")
    return rows


def test_the_coordinator_sees_what_did_not_arrive(cast: Cast) -> None:
    assert "There is no bill yet" in text_of(signed_in(cast.coordinator).get(DELIVERIES))
    on_the_way(cast, sent=1, refused=1, no_address=1)
    text = text_of(signed_in(cast.coordinator).get(DELIVERIES))
    for said in (
        "Not everybody has got the bill", "3 of 3 bills as PDF", "Sent: 1", "refused by the mail server: 1",
        "no e-mail address: print it: 1", "because refused", cast.seller.email,
    ):  # fmt: skip
        assert said in text
    only = text_of(signed_in(cast.coordinator).get(DELIVERIES + "?left=refused"))
    assert "because refused" in only and "because no_address" not in only


def test_what_was_sent_again_is_no_more_to_do(cast: Cast) -> None:
    (row,) = on_the_way(cast, bounced=1)
    assert "came back: 1" in text_of(signed_in(cast.coordinator).get(DELIVERIES))
    with scope(cast.cluster.pk):
        (again,) = send_again(cast.cluster, [row.bill], cast.coordinator, NOON)
        BillDelivery.objects.filter(pk=again.pk).update(state="sent")
    text = text_of(signed_in(cast.coordinator).get(DELIVERIES))
    assert "All bills are sent" in text and "came back: 1" not in text and "Sent: 1" in text
    assert "because bounced" not in text_of(signed_in(cast.coordinator).get(DELIVERIES + "?left=bounced"))
    # The list still tells of it.
    assert "because bounced" in text


def test_all_sent_is_said(cast: Cast) -> None:
    (row,) = on_the_way(cast, sent=1)
    client = signed_in(cast.coordinator)
    assert "All bills are sent" in text_of(client.get(DELIVERIES))
    assert client.get(f"{DELIVERIES}bill/{row.bill_id}.pdf").content.startswith(b"%PDF")
    assert client.get(f"{DELIVERIES}{row.pk}/change/").status_code == 200


@pytest.mark.parametrize("level", ["full", "accounts"])
def test_who_keeps_the_accounts_sends_again_and_marks(cast: Cast, level: str) -> None:
    row, other = on_the_way(cast, refused=1, sent=1)
    user = role(cast, role="coordinator", level=level)
    client = signed_in(user)
    sent = client.post(DELIVERIES, {"action": "send_selected", "_selected_action": [row.pk]}, follow=True)
    assert "1 bill is sent again." in text_of(sent)
    with scope(cast.cluster.pk):
        again = BillDelivery.objects.get(requested_by=user)
    assert (again.bill_id, again.state, again.address) == (row.bill_id, "queued", cast.seller.email)
    rows = BillDelivery.objects
    marked = client.post(DELIVERIES, {"action": "mark_selected", "_selected_action": [other.pk, again.pk]}, follow=True)
    assert "1 is marked as come back." in text_of(marked)
    with scope(cast.cluster.pk):
        assert (rows.get(pk=other.pk).state, rows.get(pk=other.pk).changed_by) == ("bounced", user)
        assert rows.get(pk=again.pk).state == "queued"


def test_who_only_looks_sends_nothing(cast: Cast) -> None:
    (row,) = on_the_way(cast, refused=1)
    client = signed_in(role(cast, role="coordinator", level="read"))
    assert "because refused" in text_of(client.get(DELIVERIES))
    client.post(DELIVERIES, {"action": "send_selected", "_selected_action": [row.pk]}, follow=True)
    with scope(cast.cluster.pk):
        assert BillDelivery.objects.count() == 1


def test_another_clusters_coordinator_finds_no_pdf(cast: Cast) -> None:
    (row,) = on_the_way(cast, sent=1)
    other = make_cast("beta")
    assert signed_in(other.coordinator).get(f"{DELIVERIES}bill/{row.bill_id}.pdf").status_code == 404
    assert signed_in(cast.owner).get(f"{DELIVERIES}bill/{row.bill_id}.pdf").status_code in (302, 403)
