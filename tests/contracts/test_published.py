"""Published terms that come with the platform: loaded once, corrected as versions, never over what people entered."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from contracts.models import MonthlyMarketPrice, ReliefStep, RetailOffer, RetailPrice
from contracts.services.published import MONTHS, OFFERS, RELIEF
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast("sunny-hill")


def load(capsys, *words: object, **options: object) -> str:
    call_command("load_published", *words, **options)
    return capsys.readouterr().out


def changed(path: Path, tmp_path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert text.count(old) == 1
    (tmp_path / path.name).write_text(text.replace(old, new))
    return tmp_path / path.name


def test_a_month_published_again_is_a_new_version(capsys, tmp_path):
    count = len(MONTHS.read_text().splitlines()) - 1
    assert load(capsys, "months") == f"{MONTHS.name}: {count} rows are new.\n"
    assert load(capsys, "months") == f"{MONTHS.name}: 0 rows are new.\n"
    assert MonthlyMarketPrice.objects.get(month=dt.date(2025, 6, 1)).pln_mwh == Decimal("136.30")
    corrected = changed(MONTHS, tmp_path, "2025-06,136.30,", "2025-06,136.87,")
    assert load(capsys, "months", file=corrected) == f"{MONTHS.name}: 1 rows are new.\n"
    prices = MonthlyMarketPrice.objects.filter(month=dt.date(2025, 6, 1)).order_by("version")
    assert [(row.version, row.pln_mwh) for row in prices] == [(1, Decimal("136.30")), (2, Decimal("136.87"))]


def test_every_row_says_where_it_comes_from(cast, capsys):
    load(capsys, "months")
    load(capsys, "offers", "sunny-hill")
    assert not MonthlyMarketPrice.objects.exclude(source__contains="(confidence: ").exists()
    with scope(cast.cluster.pk):
        assert not RetailPrice.objects.exclude(source__contains="(confidence: ").exists()


def test_offers_have_excise_in_them_and_leave_the_default_alone(cast, capsys):
    load(capsys, "offers", "sunny-hill")
    with scope(cast.cluster.pk):
        assert not RetailOffer.objects.filter(is_default=True).exists()
        price = {(row.offer.name, row.group, row.zone): row for row in RetailPrice.objects.select_related("offer")}
        # 0.4970 and 0.5779 without excise of 0.005; the third one has it already, of the fourth nobody knows.
        assert price["Tauron 2026", "G11", "flat"].energy_pln_kwh == Decimal("0.502")
        assert price["Enea 2026", "G12", "day"].energy_pln_kwh == Decimal("0.5829")
        assert price["Tauron 2026", "G13", "rest"].energy_pln_kwh == Decimal("0.426")
        assert price["Tauron 2026", "G12", "day"].energy_pln_kwh == Decimal("0.5447")
        assert "excise unknown" in price["Tauron 2026", "G12", "day"].source
        RetailPrice.objects.filter(offer__name="PGE 2026").update(energy_pln_kwh=Decimal("0.49"))
    told = load(capsys, "offers", "sunny-hill").splitlines()
    assert told == [
        f"{OFFERS.name}: 0 rows are new.",
        "left as it is: PGE 2026 G11 flat from 2026-01-01: 0.490000, published 0.503000",
    ]


def test_the_steps_of_the_relief(cast, capsys):
    assert load(capsys, "relief", "sunny-hill") == f"{RELIEF.name}: 7 rows are new.\n"
    assert load(capsys, "relief", "sunny-hill") == f"{RELIEF.name}: 0 rows are new.\n"
    with scope(cast.cluster.pk):
        steps = ReliefStep.objects.filter(component="network_variable").order_by("self_consumption_from")
        shares = [(row.self_consumption_from, row.waived) for row in steps]
        assert shares == [
            (Decimal(reached) / 100, Decimal(waived) / 100)
            for reached, waived in ((60, 5), (70, 10), (80, 15), (90, 20), (100, 25))
        ]
        assert {row.valid_to for row in steps} == {dt.date(2030, 1, 1)}
        assert ReliefStep.objects.get(component="res").waived == 1


@pytest.mark.parametrize(
    ("words", "old", "new", "text"),
    [
        (("months",), "2025-06,136.30", "2025-06,high", "line 21"),
        (("months",), "2025-06,136.30", "2025-13,1", "line 21"),
        (("offers", "sunny-hill"), "Enea 2026,G12,day,0.5779,added", "Enea 2026,G12,day,0.5779,some", "excise 'some'"),
        (("relief", "sunny-hill"), "network_variable,0.60,0.05", "network_variable,60,0.05", "shares from 0 to 1"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_stored(cast, tmp_path, words, old, new, text):
    path = {"months": MONTHS, "offers": OFFERS, "relief": RELIEF}[words[0]]
    with pytest.raises(CommandError, match=text):
        call_command("load_published", *words, file=changed(path, tmp_path, old, new))
    with scope(cast.cluster.pk):
        rows = (MonthlyMarketPrice, RetailPrice, ReliefStep)
        assert [model.objects.count() for model in rows] == [0, 0, 0]


@pytest.mark.parametrize("words", [("months", "sunny-hill"), ("offers",), ("relief", "nowhere")])
def test_the_cluster_is_named_where_it_matters(cast, words):
    with pytest.raises(CommandError, match=r"name the cluster|there is no cluster"):
        call_command("load_published", *words)
