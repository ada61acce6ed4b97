"""Carries the demo's prices on to today."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from contracts.dataset.folder import read_dataset
from contracts.export import stored_dataset
from contracts.services.load import load_dataset
from participants.models import Cluster
from participants.tenancy.scope import scope


def carry_on_prices(slug: str, folder: Path, now: datetime) -> int:
    """Store the prices of the dataset in `folder` and nothing else of it: people and contracts have changed since.

    Returns how many external prices are new.
    """
    cluster = Cluster.objects.select_related("dso").get(slug=slug)
    with scope(cluster.pk):
        stored = stored_dataset(cluster, folder)
    example = read_dataset(folder)
    prices = replace(stored, external_prices=example.external_prices, standard_sale=example.standard_sale)
    return load_dataset(prices, [], now).prices
