"""The coordinator puts in settings: discounts that don't suit the grid are refused, the tariff book's fill in."""

from typing import Any

import pytest
from django.test import Client

from contracts.models import ClusterSettings
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast
from tests.pages.scenes import signed_in, text_of
from tests.tariff import publish

pytestmark = pytest.mark.django_db
ADD = "/admin/contracts/clustersettings/add/"
ROW = {
    "valid_from": "2027-01-01", "allocation": "min_cost", "price_rule": "mid_market", "price_share": "0.5",
    "residual": "pooled", "dso_settlement": "coordinator", "buyer_fee_pln_kwh": "0.02", "seller_fee_pln_kwh": "0",
    "reading_deadline_hours": "48",
}  # fmt: skip


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.fixture
def coordinator(cast: Cast) -> Client:
    return signed_in(cast.coordinator)


def add(coordinator: Client, discounts: str) -> Any:
    return coordinator.post(ADD, ROW | {"sharing_discount": discounts})


def stored(cast: Cast) -> list[Any]:
    with scope(cast.cluster.pk):
        return [row.sharing_discount for row in ClusterSettings.objects.filter(valid_from__year=2027)]


@pytest.mark.parametrize(
    ("discounts", "text"),
    [
        (
            '{"station": "0.05", "cluster": "0.25"}',
            "The discount grows with distance: 0.05 at station, but 0.25 at cluster",
        ),
        ('{"station": "1.5", "cluster": "0.25"}', "The discount of level station is 1.5; it must lie between 0 and 1."),
        ('{"cluster": "0.25"}', "Level station of the grid has no discount, neither here nor in the tariff book."),
        ('{"station": "a lot"}', "Give a share from 0 to 1 for each sharing level"),
        ('["station"]', "Give a share from 0 to 1 for each sharing level"),
    ],
)
def test_discounts_that_do_not_suit_the_grid_are_refused(
    cast: Cast, coordinator: Client, discounts: str, text: str
) -> None:
    assert text in text_of(add(coordinator, discounts))
    assert stored(cast) == []


def test_the_tariff_book_gives_what_the_settings_leave_out(cast: Cast, coordinator: Client) -> None:
    rate = {"group": "G11", "component": "network_variable", "zone": "flat", "rate_net": 1}
    publish(cast.cluster.dso, [rate], sharing_discount={"station": "0.30", "cluster": "0.10"})
    assert "The discount grows with distance" in text_of(add(coordinator, '{"cluster": "0.40"}'))
    assert add(coordinator, "{}").status_code == 302
    assert stored(cast) == [{}]
