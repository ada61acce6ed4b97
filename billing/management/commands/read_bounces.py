"""manage.py read_bounces FILE | MAILDIR | -"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from mailbox import Maildir
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.domain.bounces import bounces_in
from billing.services.bounces import note_bounces


class Command(BaseCommand):
    help = "Reads delivery reports of mail servers and marks the bills that came back. Again: changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source", help="a message as a file, a maildir folder, or - for a message on standard input"
        )

    def handle(self, *args: Any, source: str, **options: Any) -> None:
        read, reports, noted = 0, 0, 0
        for raw in _messages(source):
            bounces = bounces_in(raw)
            read, reports = read + 1, reports + bool(bounces)
            noted += note_bounces(bounces, timezone.now())
        self.stdout.write(f"{read} messages, {reports} of bills that came back, {noted} marked anew")


def _messages(source: str) -> Iterator[bytes]:
    if source == "-":
        yield sys.stdin.buffer.read()
        return
    path = Path(source)
    try:
        if path.is_dir():
            if not (path / "new").is_dir():
                raise CommandError(f"{source} is no maildir: it has no folder 'new'")
            box = Maildir(path, create=False)
            for key in box.iterkeys():
                yield box.get_bytes(key)
        else:
            yield path.read_bytes()
    except OSError as error:
        raise CommandError(f"{source}: {error}") from error
