"""The settlement with supplier and buyer: computed, compared, explained, approved, locked, corrected."""

import datetime as dt
import hashlib
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from clearing.models import (
    ExternalDifference,
    ExternalInvoiceFile,
    ExternalInvoiceLine,
    ExternalLine,
    ExternalRules,
    ExternalSettlement,
)
from clearing.selectors.external import approved_settlements, live_figures, unsettled_directions
from clearing.services import clear_due
from clearing.services.external import (
    Invoice,
    SettlementRefused,
    approve,
    checklist,
    correct,
    discard,
    explain,
    prepare,
    recompute,
    take_invoice,
)
from contracts.services.external_prices import price_externally
from participants.models import User
from participants.tenancy.scope import scope
from tests.cast import make_user
from tests.clearing.outside import supplier_file
from tests.clearing.world import FAR, NEIGHBOUR, NET, NOW, SELLER, STANDARD, START, World, make_world, quarters
from tests.contracts.outside import make_partner, make_terms

JUNE = dt.date(2026, 6, 1)
SURPLUS = {SELLER: 1000, NEIGHBOUR: -300, FAR: -400, STANDARD: -50}


class Scene:
    """A cluster whose June has 8 quarter-hours: 4 that buy 200 Wh at 0.44698 and 4 that sell 300 Wh at 0.33698."""

    def __init__(self) -> None:
        self.world: World = make_world()
        for start in quarters(8)[4:]:
            self.world.read(start, SURPLUS, version=2)
        clear_due(self.world.cluster, NOW)
        self.cluster = self.world.cluster
        self.owner, self.colleague = (make_user(f"{who}@example.org") for who in ("owner", "colleague"))
        with scope(self.cluster.pk):
            self.seller = make_partner(self.cluster)
            self.buyer = make_partner(self.cluster, "buyer")

    def prepare(self, direction: str = "purchase", user: User | None = None) -> ExternalSettlement:
        partner = self.seller if direction == "purchase" else self.buyer
        with scope(self.cluster.pk):
            return prepare(self.cluster, direction, partner, JUNE, (user or self.owner).pk, NOW)

    def invoice(
        self, settlement: ExternalSettlement, net: str, changed: dict[dt.datetime, int] | None = None, vat: str = "0"
    ) -> ExternalSettlement:
        file = supplier_file(settlement, changed)
        with scope(self.cluster.pk):
            figures = Invoice("FV/6", dt.date(2026, 7, 3), Decimal(net), Decimal(vat))
            return take_invoice(settlement, figures, ("june.csv", file), True, self.owner.pk, NOW)

    def approve(self, settlement: ExternalSettlement, user: User | None = None) -> ExternalSettlement:
        with scope(self.cluster.pk):
            return approve(settlement, (user or self.owner).pk, NOW)

    def differences(self, settlement: ExternalSettlement) -> list[tuple[Any, ...]]:
        with scope(self.cluster.pk):
            rows = ExternalDifference.objects.filter(settlement=settlement)
            return list(rows.values_list("kind", "interval_start", "ours", "theirs"))

    def four_eyes(self) -> None:
        with scope(self.cluster.pk):
            ExternalRules.objects.create(cluster=self.cluster, four_eyes=True)


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene()


def test_volumes_are_those_of_the_runs_in_force_to_the_watt_hour(scene: Scene) -> None:
    bought, sold = scene.prepare(), scene.prepare("sale")
    assert (bought.quarter_hours, bought.energy_wh, bought.energy_pln) == (8, 800, Decimal("0.357584000"))
    assert (sold.energy_wh, sold.energy_pln, sold.net_pln) == (1200, Decimal("0.404376000"), Decimal("0.40"))
    with scope(scene.cluster.pk):
        lines = ExternalLine.objects.filter(settlement=bought).order_by("interval_start")
        assert [line.wh for line in lines] == [200] * 4 + [0] * 4
        text = "".join(f"{line.interval_start:%Y-%m-%dT%H:%M:%SZ},{line.wh},{line.price_pln_kwh}\n" for line in lines)
        assert bought.digest == hashlib.sha256(f"{text}0\n".encode()).hexdigest()
        assert prepare(scene.cluster, "purchase", scene.seller, JUNE, scene.colleague.pk, NOW) == bought
        assert ExternalSettlement.objects.count() == 2


def test_an_equal_file_differs_in_nothing_and_is_approved(scene: Scene) -> None:
    settlement = scene.invoice(scene.prepare(), "0.36")
    assert scene.differences(settlement) == []
    with scope(scene.cluster.pk):
        assert all(point.done for point in checklist(settlement, NOW, scene.owner.pk))
        assert approved_settlements(scene.cluster, JUNE) == []
        assert unsettled_directions(scene.cluster, JUNE) == ["purchase", "sale"]
    scene.approve(settlement)
    with scope(scene.cluster.pk):
        [approved] = approved_settlements(scene.cluster, JUNE)
        assert unsettled_directions(scene.cluster, JUNE) == ["sale"]
    assert (approved.direction, approved.energy_exact_pln, approved.net_pln) == (
        "purchase", Decimal("0.357584000"), Decimal("0.36"),
    )  # fmt: skip
    assert (approved.invoice_number, approved.invoice_net_pln) == ("FV/6", Decimal("0.36"))


def test_one_quarter_hour_that_differs_is_found_and_named(scene: Scene) -> None:
    third = quarters(8)[2]
    settlement = scene.invoice(scene.prepare(), "0.36", {third: 201})
    assert scene.differences(settlement) == [("volume", third, 200, 201)]
    with pytest.raises(SettlementRefused, match="1"):
        scene.approve(settlement)
    with scope(scene.cluster.pk):
        ids = list(settlement.differences.values_list("pk", flat=True))
        with pytest.raises(SettlementRefused):
            explain(settlement, ids, "  ", scene.owner.pk, NOW)
        assert explain(settlement, ids, "The supplier's meter rounds up", scene.owner.pk, NOW) == 1
        recompute(settlement, scene.owner.pk, NOW)
        # What stays the same keeps its explanation.
        assert settlement.differences.get().explanation == "The supplier's meter rounds up"
    assert scene.approve(settlement).approved


def test_a_wrong_total_is_a_difference(scene: Scene) -> None:
    with scope(scene.cluster.pk):
        settlement = scene.prepare()
        take_invoice(settlement, Invoice("1", JUNE, Decimal("0.50"), Decimal("0.12")), None, False, scene.owner.pk, NOW)
    assert scene.differences(settlement) == [("total", None, Decimal("0.36"), Decimal("0.50"))]


def test_nothing_that_was_approved_can_be_changed(scene: Scene) -> None:
    settlement = scene.approve(scene.invoice(scene.prepare(), "0.36"))
    with scope(scene.cluster.pk):
        other = Invoice("2", JUNE, Decimal(1), Decimal(0))
        attempts = [
            lambda: recompute(settlement, scene.owner.pk, NOW),
            lambda: discard(settlement),
            lambda: approve(settlement, scene.colleague.pk, NOW),
            lambda: explain(settlement, [], "x", scene.owner.pk, NOW),
            lambda: take_invoice(settlement, other, None, False, scene.owner.pk, NOW),
        ]
        for attempt in attempts:
            with pytest.raises(SettlementRefused):
                attempt()
        parts = (ExternalLine, ExternalInvoiceLine, ExternalInvoiceFile)
        for part in parts:
            rows = part._default_manager.filter(settlement=settlement)
            assert rows.exists()
            for act in (
                lambda rows=rows: rows.update(settlement=settlement),
                lambda rows=rows: rows._raw_delete("default"),
            ):
                with pytest.raises(IntegrityError, match="is approved"), transaction.atomic():
                    act()
        with pytest.raises(IntegrityError, match="is approved"), transaction.atomic():
            ExternalSettlement.objects.filter(pk=settlement.pk).update(state="draft", approved_by=None)
        with pytest.raises(IntegrityError, match="is approved"), transaction.atomic():
            ExternalDifference.objects.create(
                cluster=scene.cluster, settlement=settlement, kind="total", ours=1, theirs=2
            )


def test_the_database_itself_wants_explanations_and_a_second_person(scene: Scene) -> None:
    settlement = scene.invoice(scene.prepare(), "0.50")
    done = {"state": "approved", "approved_at": NOW}
    with scope(scene.cluster.pk):
        rows = ExternalSettlement.objects.filter(pk=settlement.pk)
        with pytest.raises(IntegrityError, match="without an explanation"), transaction.atomic():
            rows.update(approved_by=scene.colleague, **done)
        explain(settlement, list(settlement.differences.values_list("pk", flat=True)), "agreed", scene.owner.pk, NOW)
        for figures in ({"invoice_vat_pln": "0.51"}, {"invoice_vat_pln": "-0.01"}, {"invoice_net_pln": "-0.50"}):
            with pytest.raises(IntegrityError, match="external_vat_is_of_the_net"), transaction.atomic():
                rows.update(**{"invoice_vat_pln": "0.12"} | figures)
        with pytest.raises(IntegrityError, match="external_invoice_whole"), transaction.atomic():
            rows.update(invoice_vat_pln=None)
        with pytest.raises(IntegrityError, match="external_four_eyes"), transaction.atomic():
            rows.update(approved_by=scene.owner, four_eyes=True, **done)
        with pytest.raises(IntegrityError, match="external_approved_by_somebody"), transaction.atomic():
            rows.update(**done)
        assert rows.update(approved_by=scene.colleague, four_eyes=True, **done) == 1


def test_with_four_eyes_somebody_else_approves(scene: Scene) -> None:
    scene.four_eyes()
    settlement = scene.invoice(scene.prepare(), "0.36")
    with pytest.raises(SettlementRefused):
        scene.approve(settlement)
    with scope(scene.cluster.pk):
        assert not ExternalSettlement.objects.get().approved
    approved = scene.approve(settlement, scene.colleague)
    assert (approved.prepared_by, approved.approved_by, approved.four_eyes) == (scene.owner, scene.colleague, True)


def test_a_later_reading_asks_for_a_correcting_version(scene: Scene) -> None:
    settlement = scene.approve(scene.invoice(scene.prepare(), "0.36"))
    scene.world.read(START, NET | {FAR: -500}, version=9)
    with scope(scene.cluster.pk):
        with pytest.raises(SettlementRefused):
            correct(settlement, " ", scene.owner.pk, NOW)
        assert live_figures(scene.cluster, "purchase", scene.seller.pk, JUNE).digest == settlement.digest
    clear_due(scene.cluster, NOW)
    with scope(scene.cluster.pk):
        assert live_figures(scene.cluster, "purchase", scene.seller.pk, JUNE).digest != settlement.digest
        second = correct(settlement, "A reading came late", scene.owner.pk, NOW)
        with pytest.raises(SettlementRefused):
            correct(settlement, "again", scene.owner.pk, NOW)
        assert (second.revision, second.replaces, second.energy_wh) == (2, settlement, 900)
        assert [each.revision for each in approved_settlements(scene.cluster, JUNE)] == [1]
        with pytest.raises(SettlementRefused):
            correct(second, "a draft", scene.owner.pk, NOW)
    scene.approve(scene.invoice(second, "0.40"))
    with scope(scene.cluster.pk):
        [approved] = approved_settlements(scene.cluster, JUNE)
        assert (approved.revision, approved.energy_wh) == (2, 900)
        assert ExternalSettlement.objects.get(revision=1).approved


def test_a_correction_of_a_draft_or_of_another_s_is_refused_by_the_database(scene: Scene) -> None:
    draft = scene.prepare()
    fields = {
        "cluster": scene.cluster, "direction": "purchase", "period": JUNE, "revision": 2, "reason": "x",
        "computed_at": NOW, "prepared_by": scene.owner, "prepared_at": NOW,
    }  # fmt: skip
    with scope(scene.cluster.pk):
        for partner in (scene.seller, scene.buyer):
            with pytest.raises(IntegrityError, match="does not follow"), transaction.atomic():
                ExternalSettlement.objects.create(**fields, partner=partner, replaces=draft)


def test_what_changed_while_it_lay_there_is_not_approved(scene: Scene) -> None:
    settlement = scene.invoice(scene.prepare(), "0.36")
    scene.world.read(START, NET | {FAR: -500}, version=9)
    with pytest.raises(SettlementRefused, match="1"):
        scene.approve(settlement)
    clear_due(scene.cluster, NOW)
    with pytest.raises(SettlementRefused):
        scene.approve(settlement)
    with scope(scene.cluster.pk):
        recompute(settlement, scene.owner.pk, NOW)
    assert [kind for kind, *_ in scene.differences(settlement)] == ["volume"]


def test_a_month_that_is_not_over_or_not_settled_is_not_approved(scene: Scene) -> None:
    settlement = scene.invoice(scene.prepare(), "0.36")
    with scope(scene.cluster.pk):
        with pytest.raises(SettlementRefused):
            approve(settlement, scene.owner.pk, dt.datetime(2026, 6, 30, 21, 59, tzinfo=dt.UTC))
        blocked = {point.name for point in checklist(settlement, START, scene.owner.pk) if point.blocks}
        assert blocked == {"month"}
        with pytest.raises(SettlementRefused):
            prepare(
                scene.cluster, "purchase", scene.seller, JUNE, scene.owner.pk, dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
            )
        with pytest.raises(SettlementRefused):
            prepare(scene.cluster, "sale", scene.seller, JUNE, scene.owner.pk, NOW)


def test_two_suppliers_share_a_month_by_their_days(scene: Scene) -> None:
    with scope(scene.cluster.pk):
        make_terms(scene.seller, fixed="446.98", valid_to=dt.date(2026, 6, 11))
        second = make_partner(scene.cluster, nip="1000079195", name="Second Trade")
        make_terms(second, fixed="500", valid_from=dt.date(2026, 6, 11), balancing_pln_mwh=10, balancing_in_price=False)
        make_terms(scene.buyer, fixed="336.98")
        for start in quarters(8)[4:]:
            scene.world.read(start, NET, version=5)
    price_externally(scene.cluster, dt.datetime(2026, 6, 12, tzinfo=dt.UTC))
    clear_due(scene.cluster, NOW)
    first = scene.prepare()
    with scope(scene.cluster.pk):
        other = prepare(scene.cluster, "purchase", second, JUNE, scene.owner.pk, NOW)
    assert (first.quarter_hours, first.energy_wh, first.energy_pln) == (4, 800, Decimal("0.357584"))
    assert (other.quarter_hours, other.energy_wh, other.energy_pln) == (4, 800, Decimal("0.4"))
    assert (other.balancing_pln, other.net_pln) == (Decimal("0.008"), Decimal("0.41"))


def test_without_terms_a_month_is_one_partner_s(scene: Scene) -> None:
    scene.prepare()
    with scope(scene.cluster.pk):
        second = make_partner(scene.cluster, nip="1000079195", name="Second Trade")
        with pytest.raises(SettlementRefused, match="Example Trade"):
            prepare(scene.cluster, "purchase", second, JUNE, scene.owner.pk, NOW)


def test_a_draft_can_be_thrown_away(scene: Scene) -> None:
    settlement = scene.invoice(scene.prepare(), "0.50")
    with scope(scene.cluster.pk):
        discard(settlement)
        for model in (ExternalSettlement, ExternalLine, ExternalInvoiceFile, ExternalInvoiceLine, ExternalDifference):
            assert not model._default_manager.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_approve_once() -> None:
    scene = Scene()
    settlement = scene.invoice(scene.prepare(), "0.36")
    together = threading.Barrier(2)
    found: list[str] = []

    def run(user: User) -> None:
        try:
            together.wait(timeout=20)
            scene.approve(settlement, user)
            found.append("approved")
        except SettlementRefused:
            found.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[user]) for user in (scene.owner, scene.colleague)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(found) == ["approved", "refused"]
