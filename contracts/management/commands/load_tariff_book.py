"""`load_tariff_book NAME`: takes in a distributor's tariff book, a ready one or a folder's, and publishes it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from contracts.dataset.faults import DatasetError
from contracts.services.ready_books import find_folder, load_draft, read_folder, ready_books
from contracts.services.tariff_books import check_draft, publish_book
from contracts.tariff_models import TariffBook


class Command(BaseCommand):
    """Loading the same book again changes nothing. What is incomplete stays a draft and says what it lacks."""

    help = "Take in a distributor's tariff book: a folder, or one of the ready ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help=f"a folder, or one of {', '.join(ready_books())}")
        parser.add_argument("--publish", action="store_true", help="publish it; from then on it never changes")
        parser.add_argument("--reason", default="", help="why days that have begun are charged otherwise")

    def handle(self, *args: Any, name: str, publish: bool, reason: str, **options: Any) -> None:
        now = timezone.now()
        try:
            book, new = load_draft(*read_folder(find_folder(name)), now)
        except DatasetError as error:
            raise CommandError(f"{name} can't be loaded; nothing was stored.\n{error}") from error
        title = f"{book.dso.name}: book {book.number}, {book.name}, from {book.valid_from}"
        if not book.is_draft:
            self.stdout.write(f"{title}: is published already.")
            return
        self.stdout.write(f"{title}: {'a new draft' if new else 'a draft as before'}.")
        if book.note:
            self.stdout.write(book.note)
        if publish:
            self._publish(book, reason)
            return
        try:
            check_draft(book, now, reason).check()
        except DatasetError as error:
            self.stdout.write(f"Before it can be published:\n{error}")
        else:
            self.stdout.write("It can be published.")

    def _publish(self, book: TariffBook, reason: str) -> None:
        try:
            done = publish_book(book, None, timezone.now(), reason)
        except DatasetError as error:
            raise CommandError(f"The draft can't be published yet.\n{error}") from error
        end = f" to {done.end}" if done.end else ""
        self.stdout.write(f"Published as book {done.book.number}; it holds from {done.first}{end}.")
        for effect in done.effects:
            days = ", ".join(f"{first} to {last or 'the end'}" for first, last in effect.billed_anew) or "none"
            self.stdout.write(
                f"{effect.cluster}: {effect.quarter_hours} quarter-hours are settled anew; days billed anew: {days}."
            )
