"""From a dataset through the database to a package that its dataset vouches for, whatever the settings are."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from clearing.services import clear_due
from metering.domain.calendar import format_instant
from participants.models import Cluster
from tests.clearing.dataset_cases import CLUSTER, END, SLUG, START, gsrn, write_dataset

pytestmark = pytest.mark.django_db

SETTINGS = CLUSTER[CLUSTER.index("[[settings]]") :]
KEYS = "participant,share,valid_from\nP3,0.7,2026-01-01\nP4,0.3,2026-01-01\nP4,0.25,2026-06-16\nP5,0.75,2026-06-16\n"


def run(*arguments: object) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out, verbosity=0)
    return out.getvalue()


def settle(dataset: Path) -> None:
    run("load_cluster", dataset)
    report = clear_due(Cluster.objects.get(slug=SLUG), END + timedelta(hours=1))
    assert not report.failed


def export(out: Path) -> Path:
    run("export_results", SLUG, "--from", format_instant(START), "--to", format_instant(END), "--out", out)
    return out


@pytest.mark.parametrize(
    "later",
    [
        {'allocation = "min_cost"': 'allocation = "pro_rata"', 'residual = "pooled"': 'residual = "individual"'},
        {'allocation = "min_cost"': 'allocation = "static"', 'price_share = "0.5"': 'price_share = "0.3"'},
        {'"mid_market"': '"supply_demand_ratio"', 'price_share = "0.5"': 'price_share = "0.1"'},
        {'price_rule = "mid_market"': 'price_rule = "fixed"\nfixed_price_pln_kwh = "0.31"'},
        {'station = "0.25", substation = "0.15"': 'station = "0.15", substation = "0.15"'},
    ],
)  # fmt: skip
def test_a_change_of_settings_grid_and_keys_at_midnight_holds(tmp_path: Path, later: dict[str, str]) -> None:
    dataset = tmp_path / "dataset"
    write_dataset(dataset, seed=4)
    changed = SETTINGS.replace("2026-01-01", "2026-06-16")
    for before, after in later.items():
        assert before in changed
        changed = changed.replace(before, after)
    (dataset / "cluster.toml").write_text(CLUSTER + "\n" + changed)
    (dataset / "static_keys.csv").write_text(KEYS)
    move(dataset, gsrn(6), "2026-06-16", "ST-2", "G12")
    settle(dataset)
    assert "holds and agrees" in run("verify_package", export(tmp_path / "package"), "--dataset", dataset)


def move(dataset: Path, code: str, day: str, node: str, group: str) -> None:
    """Give a metering point another node and group from a day on."""
    path = dataset / "metering_points.csv"
    lines = []
    for line in path.read_text().splitlines():
        if line.startswith(code):
            fields = line.split(",")
            lines.append(",".join([*fields[:-1], day]))
            line = ",".join([*fields[:3], node, group, *fields[5:-2], day, ""])
        lines.append(line)
    path.write_text("\n".join(lines) + "\n")


def test_a_later_price_is_a_new_run_in_the_chain_and_the_older_package_no_longer_agrees(tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    write_dataset(dataset)
    settle(dataset)
    older = export(tmp_path / "older")
    path = dataset / "external_prices.csv"
    path.write_text(path.read_text().replace("2026-06-15T21:00:00Z,", "2026-06-15T21:00:00Z,1"))
    settle(dataset)
    newer = export(tmp_path / "newer")
    assert "holds and agrees" in run("verify_package", newer, "--dataset", dataset)
    assert "holds" in run("verify_package", older)
    with pytest.raises(CommandError, match="1 findings"):
        run("verify_package", older, "--dataset", dataset)
    runs = (newer / "runs.csv").read_text().splitlines()
    assert runs[-1].startswith("17,2026-06-15T21:00:00Z,2,")
    assert len(runs) == len((older / "runs.csv").read_text().splitlines()) + 1
