"""Tariff books from folders: the ready ones of Polish distributors, and anybody's own."""

from datetime import datetime
from pathlib import Path

from django.db import transaction

from contracts.dataset.bookfile import DESCRIPTION, BookTables, Description, read_book, read_description
from contracts.dataset.faults import DatasetError, Fault
from contracts.selectors.book import content
from contracts.services.tariff_books import create_draft
from contracts.tariff_models import TariffBook
from participants.models import Dso

READY = Path(__file__).resolve().parents[1] / "data" / "books-2026"


def ready_books() -> list[str]:
    """The names of the books that come with the platform."""
    return sorted(path.parent.name for path in READY.glob(f"*/{DESCRIPTION}"))


def find_folder(name: str) -> Path:
    """The folder of a ready book, or the one at that path. Raises DatasetError."""
    if name in ready_books():
        return READY / name
    folder = Path(name)
    if not folder.is_dir():
        text = f"there is neither such a folder nor a ready book of that name; ready are {', '.join(ready_books())}"
        raise DatasetError((Fault(name, 0, "", text),))
    return folder


def read_folder(folder: Path) -> tuple[Description, BookTables]:
    """Raises DatasetError."""
    description = read_description(folder)
    return description, read_book(folder, description.dso)


@transaction.atomic
def load_draft(description: Description, tables: BookTables, now: datetime) -> tuple[TariffBook, bool]:
    """The distributor's book that says exactly this, and whether it is new: then it is a draft. Raises DatasetError."""
    given = {"nip": description.nip, "iban": description.iban}
    dso, _ = Dso.objects.get_or_create(name=description.dso, defaults=given)
    dso = Dso.objects.select_for_update().get(pk=dso.pk)
    for key, value in given.items():
        if value and getattr(dso, key) not in ("", value):
            text = f"{dso.name} is known with {getattr(dso, key)}; correct it"
            raise DatasetError((Fault(DESCRIPTION, 0, f"dso.{key}", text),))
    wanted = tables.book(description.valid_from)
    for book in TariffBook.objects.filter(dso=dso, valid_from=description.valid_from).order_by("-number"):
        if content(book) == wanted:
            return book, False
    draft = create_draft(
        dso, tables, name=description.name, valid_from=description.valid_from, now=now, note=description.note
    )
    return draft, True
