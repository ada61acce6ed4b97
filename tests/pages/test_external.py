"""The pages of the settlement with supplier and buyer: who does it, what they see, and what stays untouched."""

import datetime as dt
import html
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from clearing.models import ExternalRules, ExternalSettlement
from clearing.services import clear_due
from participants.models import Membership, User
from participants.tenancy.scope import scope
from tests.cast import make_cast, make_user
from tests.clearing.outside import supplier_file
from tests.clearing.test_external_settlement import Scene
from tests.clearing.world import FAR, NET, NOW, START, quarters
from tests.pages.scenes import signed_in

pytestmark = pytest.mark.django_db
LIST = "/admin/external/?month=2026-06"
INVOICE = {"what": "invoice", "number": "FV/6/2026", "date": "2026-07-03", "net_pln": "0.36", "vat_pln": "0.08"}


@pytest.fixture
def scene() -> Scene:
    return Scene()


def coordinator(scene: Scene, name: str, level: str = "full") -> User:
    user = make_user(f"{name}@alfa.example.org", with_app=True)
    with scope(scene.cluster.pk):
        Membership.objects.create(cluster=scene.cluster, user=user, role="coordinator", level=level)
    return user


def text_of(response: Any) -> str:
    return " ".join(html.unescape(response.content.decode()).split())


def begin(client: Client, scene: Scene, direction: str = "purchase") -> str:
    partner = scene.seller if direction == "purchase" else scene.buyer
    response = client.post(LIST, {"direction": direction, "partner": partner.pk})
    assert response.status_code == 302
    return str(response["Location"])


def only(scene: Scene) -> ExternalSettlement:
    with scope(scene.cluster.pk):
        return ExternalSettlement.objects.select_related("partner").get(revision=1)


def send(client: Client, page: str, scene: Scene, changed: dict[dt.datetime, int] | None = None) -> Any:
    file = SimpleUploadedFile("czerwiec.csv", supplier_file(only(scene), changed))
    return client.post(page, INVOICE | {"file": file}, follow=True)


def test_a_month_from_the_first_click_to_the_lock(scene: Scene) -> None:
    desk = signed_in(coordinator(scene, "accountant", "accounts"))
    assert "0 of 2 settlements are approved." in text_of(desk.get(LIST))
    page = begin(desk, scene)
    text = text_of(desk.get(page))
    assert "The invoice is still missing." in text and "8 quarter-hours; exactly 0.357584000 PLN." in text
    text = text_of(send(desk, page, scene, {quarters(8)[2]: 207}))
    assert "1 difference is left to explain." in text
    assert "10 June, 23:30–23:45" in text and "another volume" in text
    assert "0.200 kWh" in text and "0.207 kWh" in text
    assert "disabled" in text
    desk.post(page, {"what": "approve"})
    assert not only(scene).approved
    refused = text_of(desk.post(page, {"what": "explain", "kind": "volume", "explanation": ""}, follow=True))
    assert "Say how the difference is explained." in refused
    text = text_of(desk.post(page, {"what": "explain", "kind": "volume", "explanation": "Own meter"}, follow=True))
    assert "1 difference is explained." in text and "Everything is in order: it can be approved." in text
    text = text_of(desk.post(page, {"what": "approve"}, follow=True))
    assert "Approved and posted: from now on nothing of it can be changed." in text
    assert "Approved by accountant@alfa.example.org" in text and "Store and compare" not in text
    assert "1 of 2 settlements is approved." in text_of(desk.get(LIST))
    assert "only its correcting" not in text
    for act in ({"what": "recompute"}, {"what": "discard"}, {"what": "approve"}, INVOICE):
        assert "it takes a correcting version" in text_of(desk.post(page, act, follow=True))


def test_the_partner_s_file_comes_back_as_it_was(scene: Scene) -> None:
    desk = signed_in(coordinator(scene, "owner"))
    page = begin(desk, scene)
    own = desk.get(f"{page}lines.csv")
    assert own.content == supplier_file(only(scene))
    send(desk, page, scene)
    file = desk.get(f"{page}files/{_file(scene)}/")
    assert file.content == supplier_file(only(scene))
    assert file["Content-Disposition"] == 'attachment; filename="czerwiec.csv"'
    text = text_of(desk.get(page))
    assert "Everything is in order" in text and "<td>0.44</td>" in text
    pdf = SimpleUploadedFile("faktura.pdf", b"%PDF-1.7")
    desk.post(page, INVOICE | {"file": pdf, "net_pln": "9.99", "vat_pln": "2.30"})
    text = text_of(desk.get(page))
    assert "faktura.pdf" in text and "czerwiec.csv" in text and "another total" in text


def _file(scene: Scene) -> int:
    with scope(scene.cluster.pk):
        return int(only(scene).files.values_list("pk", flat=True)[0])


def test_a_file_that_cannot_be_read_is_told_line_by_line_in_the_reader_s_language(scene: Scene) -> None:
    user = coordinator(scene, "owner")
    page = begin(signed_in(user), scene)
    bad = b"interval_start,kwh\n2026-06-10T21:00:00Z,x\nsoon,1\n"
    for language, said in (("en", "is not a number such as 0,250"), ("pl", "nie jest liczbą")):
        client = signed_in(user, language)
        text = text_of(client.post(page, INVOICE | {"file": SimpleUploadedFile("x.csv", bad)}))
        assert said in text, text
    with scope(scene.cluster.pk):
        row = only(scene)
        assert row.invoice_number == "" and not row.files.exists()
    assert "Enter a" in text_of(signed_in(user).post(page, INVOICE | {"net_pln": "much"}))
    for vat in ("0.37", "-0.01"):
        assert "The VAT has the sign of" in text_of(signed_in(user).post(page, INVOICE | {"vat_pln": vat}))


def test_four_eyes(scene: Scene) -> None:
    with scope(scene.cluster.pk):
        ExternalRules.objects.create(cluster=scene.cluster, four_eyes=True)
    owner, colleague = (signed_in(coordinator(scene, name, "accounts")) for name in ("owner", "colleague"))
    page = begin(owner, scene)
    text = text_of(send(owner, page, scene))
    assert "A second person has to approve: you have changed this settlement last." in text
    assert "A second person has to approve" in text_of(owner.post(page, {"what": "approve"}, follow=True))
    assert not only(scene).approved
    assert "A second person approves." in text_of(colleague.get(page))
    assert "Approved by colleague" in text_of(colleague.post(page, {"what": "approve"}, follow=True))


def test_who_looks_and_who_is_shut_out(scene: Scene) -> None:
    desk = signed_in(coordinator(scene, "owner"))
    page = begin(desk, scene)
    send(desk, page, scene, {quarters(8)[0]: 1})
    reader = signed_in(coordinator(scene, "reader", "read"))
    text = text_of(reader.get(page))
    assert "another volume" in text and "Before approval" in text
    for offered in (
        "Approve and lock",
        "Store and compare",
        "Explain</button>",
        "Compute again",
        "quarter-hours (CSV)",
    ):
        assert offered not in text
    acts = ({"what": what} for what in ("recompute", "approve", "correct", "discard", "explain", "invoice"))
    for act in acts:
        assert reader.post(page, act | {"explanation": "x", "reason": "x"}).status_code == 403
    assert reader.get(f"{page}lines.csv").status_code == 403
    assert reader.post(LIST, {"direction": "sale", "partner": scene.buyer.pk}).status_code == 403
    other = make_cast("theirs", dso_name="Other Distribution")
    stranger = signed_in(other.coordinator)
    for path in (page, f"{page}lines.csv", f"{page}files/{_file(scene)}/"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(page, {"what": "approve"}).status_code == 404
    assert stranger.post(LIST, {"direction": "purchase", "partner": scene.seller.pk}).status_code == 404
    row = only(scene)
    assert not row.approved and row.prepared_by.email == "owner@alfa.example.org"


def test_a_run_after_approval_shows_and_leads_to_a_correcting_version(scene: Scene) -> None:
    desk = signed_in(coordinator(scene, "owner"))
    page = begin(desk, scene)
    send(desk, page, scene)
    desk.post(page, {"what": "approve"})
    scene.world.read(START, NET | {FAR: -500}, version=9)
    clear_due(scene.cluster, NOW)
    assert "settled anew since" in text_of(desk.get(LIST))
    assert "Quarter-hours were settled anew since: +0.100 kWh, +0.04 PLN." in text_of(desk.get(page))
    assert "Say why" in text_of(desk.post(page, {"what": "correct", "reason": ""}, follow=True))
    second = desk.post(page, {"what": "correct", "reason": "Late reading"})
    text = text_of(desk.get(second["Location"]))
    assert "version 2" in text and "Late reading" in text and "0.900" in text
    assert "The correcting version" in text_of(desk.get(page))


def test_a_page_takes_the_same_statements_however_much_differs(scene: Scene) -> None:
    desk = signed_in(coordinator(scene, "owner"))
    page = begin(desk, scene)
    send(desk, page, scene, {quarters(8)[0]: 1})
    counts = []
    for changed in ({}, dict.fromkeys(quarters(8), 7)):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            desk.get(page)
        counts.append(len(queries))
        send(desk, page, scene, changed)
    assert counts[0] == counts[1]
    assert counts[0] < 45
