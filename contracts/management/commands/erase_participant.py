"""`erase_participant SLUG NUMBER`: erases a participant's personal data."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from contracts.services.erasure import ErasureRefused, erase_participant
from participants.models import Cluster, Participant
from participants.tenancy.scope import scope


class Command(BaseCommand):
    """What was settled and billed stays, under the participant's number."""

    help = "Erase a participant's personal data; refused while a contract is in force. It can't be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("number", help="the participant's number, such as P0001")

    def handle(self, *args: Any, slug: str, number: str, **options: Any) -> None:
        cluster = Cluster.objects.filter(slug=slug).first()
        if cluster is None:
            raise CommandError(f"There is no cluster '{slug}'.")
        with scope(cluster.pk):
            participant = Participant.objects.filter(cluster=cluster, code=number).first()
            if participant is None:
                raise CommandError(f"There is no participant '{number}' in {slug}.")
            try:
                done = erase_participant(participant, None, timezone.now())
            except ErasureRefused as refused:
                raise CommandError(f"{number} can't be erased yet: {refused}.") from refused
        self.stdout.write(f"{number}: {'personal data erased' if done else 'was erased before; nothing to do'}.")
