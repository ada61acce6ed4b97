"""`load_cluster DIR`: creates or updates a cluster from a cluster-dataset/1 folder."""

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from contracts.dataset.faults import DatasetError
from contracts.dataset.folder import read_dataset
from contracts.dataset.survey import Survey, survey_readings
from contracts.management.progress import bar
from contracts.services.load import load_dataset
from metering.selectors.completeness import missing_readings
from metering.services.progress import silent
from participants.models import Cluster
from participants.tenancy.scope import scope

_POINTS_NAMED = 5


class Command(BaseCommand):
    """Strict: one mistake and nothing of the folder is stored. Loading the same folder again changes nothing."""

    help = "Create or update a cluster from a cluster-dataset/1 folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            dataset = read_dataset(folder)
            surveys = survey_readings(dataset.reading_files)
            loaded = load_dataset(dataset, surveys, timezone.now(), bar if options["verbosity"] else silent)
        except DatasetError as error:
            raise CommandError(f"{folder} can't be loaded; nothing was stored.\n{error}") from error
        readings = loaded.readings
        self.stdout.write(
            f"{loaded.cluster.slug}: {loaded.rows} rows and {loaded.prices} external prices changed; readings: "
            f"{readings.accepted} new, {readings.replaced} replaced, {readings.unchanged} unchanged."
        )
        self._tell_missing(loaded.cluster, surveys)

    def _tell_missing(self, cluster: Cluster, surveys: Sequence[Survey]) -> None:
        months = sorted({month for survey in surveys for month in survey.months})
        if not months:
            return
        with scope(cluster.pk):
            gaps = list(missing_readings(cluster, months[0], months[-1] + timedelta(days=31)))
        for month in gaps:
            if month.missing:
                named = ", ".join(f"{code} ({count})" for code, count in list(month.missing.items())[:_POINTS_NAMED])
                more = " and others" if len(month.missing) > _POINTS_NAMED else ""
                self.stdout.write(f"{month.month}: {sum(month.missing.values())} readings are missing: {named}{more}")
