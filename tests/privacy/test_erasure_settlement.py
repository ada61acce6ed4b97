"""What was settled with somebody who is forgotten can still be recomputed, from what is left of them."""

import datetime as dt
from pathlib import Path

import pytest
from django.core.management import CommandError

from contracts.models import Contract
from metering.models import PointAssignment
from participants.models import Cluster, Participant
from participants.tenancy.scope import scope
from tests.clearing.dataset_cases import SLUG, write_dataset
from tests.clearing.test_package_round_trip import export, run, settle

AFTER = dt.date(2026, 7, 1)


@pytest.mark.django_db(transaction=True)
def test_a_package_is_vouched_for_by_the_data_without_the_person(tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset")
    settle(tmp_path / "dataset")
    before = export(tmp_path / "before")
    with scope(Cluster.objects.get(slug=SLUG).pk):
        Contract.objects.filter(participant__code="P3").update(valid_to=AFTER)
        PointAssignment.objects.filter(participant__code="P3").update(valid_to=AFTER)
        name = Participant.objects.get(code="P3").name
    assert "personal data erased" in run("erase_participant", SLUG, "P3")
    run("dump_cluster", SLUG, tmp_path / "left")
    assert name in (tmp_path / "dataset" / "participants.csv").read_text()
    assert name not in (tmp_path / "left" / "participants.csv").read_text()
    for package in (before, export(tmp_path / "after")):
        assert "holds and agrees" in run("verify_package", package, "--dataset", tmp_path / "left")
    run("load_cluster", tmp_path / "left")
    with pytest.raises(CommandError, match="the personal data of P3 were erased"):
        run("load_cluster", tmp_path / "dataset")
    with scope(Cluster.objects.get(slug=SLUG).pk):
        assert Participant.objects.get(code="P3").name == "—"
