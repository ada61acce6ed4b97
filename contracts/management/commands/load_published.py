"""`load_published months|offers|relief [SLUG] [--file FILE]`: published terms that come with the platform."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contracts.services.published import MONTHS, OFFERS, RELIEF, PublishedRefused, load_months, load_offers, load_relief
from participants.models import Cluster
from participants.tenancy.scope import scope

TABLES = {"months": MONTHS, "offers": OFFERS, "relief": RELIEF}
OF_CLUSTER = {"offers": load_offers, "relief": load_relief}


class Command(BaseCommand):
    """All of a table or nothing; again stores nothing, and what was entered by hand stays."""

    help = (
        "Load market prices of months (for all clusters), or sellers' retail offers or the steps of the statutory "
        "relief (of one cluster), from the tables that come with the platform or from a file of the same columns."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=TABLES)
        parser.add_argument("slug", nargs="?", help="short name of the cluster, for offers and relief")
        parser.add_argument("--file", type=Path, help="another table")

    def handle(self, *args: Any, what: str, slug: str | None, file: Path | None, **options: Any) -> None:
        path = file or TABLES[what]
        if (what in OF_CLUSTER) != bool(slug):
            raise CommandError("name the cluster for offers and relief, and none for months")
        try:
            if what in OF_CLUSTER:
                cluster = Cluster.objects.filter(slug=slug).first()
                if cluster is None:
                    raise CommandError(f"there is no cluster '{slug}'")
                with scope(cluster.pk):
                    loaded = OF_CLUSTER[what](cluster, path)
            else:
                loaded = load_months(path)
        except PublishedRefused as error:
            raise CommandError(f"nothing is stored: {error}") from error
        self.stdout.write(f"{path.name}: {loaded.new} rows are new.")
        for row in loaded.kept:
            self.stdout.write(f"left as it is: {row}")
