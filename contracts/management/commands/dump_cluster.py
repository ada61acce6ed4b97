"""`dump_cluster SLUG DIR`: writes a stored cluster as a cluster-dataset/1 folder."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contracts.dataset.output import FolderRefused
from contracts.export import dump_dataset
from contracts.management.progress import bar
from metering.services.progress import silent
from participants.models import Cluster


class Command(BaseCommand):
    """What it writes can be loaded again, and then changes nothing."""

    help = "Write a cluster as a cluster-dataset/1 folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("folder", type=Path, metavar="DIR")

    def handle(self, *args: Any, slug: str, folder: Path, **options: Any) -> None:
        cluster = Cluster.objects.select_related("dso").filter(slug=slug).first()
        if cluster is None:
            raise CommandError(f"There is no cluster '{slug}'.")
        try:
            count = dump_dataset(cluster, folder, bar if options["verbosity"] else silent)
        except FolderRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{slug}: {folder} holds {count} readings.")
