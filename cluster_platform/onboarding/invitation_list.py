"""A list of people to invite, as CSV: email, name, kind, legal_form, language; only the address is needed."""

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from participants.kinds import Kind, LegalForm
from participants.models import Invitation
from participants.services.invitations import Invited

COLUMNS = ("email", "name", "kind", "legal_form", "language")
MOST_ROWS = 500
MOST_BYTES = 256 * 1024


class ListRefused(ValueError):
    """The file as a whole is not what it should be; the text says why."""


@dataclass(frozen=True)
class Line:
    """One line of the file and what is wrong with it."""

    number: int
    person: Invited
    faults: list[str] = field(default_factory=list)


def read_list(text: str) -> list[Line]:
    """All lines with their faults; ListRefused without an `email` column, with unknown columns, broken or too long."""
    try:
        return _lines(text)
    except csv.Error as error:
        raise ListRefused(_("The file can't be read to its end: is a quotation mark missing?")) from error


def _lines(text: str) -> list[Line]:
    head = text.lstrip("\ufeff").split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=";" if ";" in head else ",", strict=True)
    columns = [name.strip().lower() for name in reader.fieldnames or []]
    if "email" not in columns or set(columns) - set(COLUMNS) or len(set(columns)) != len(columns):
        raise ListRefused(_("The first line must name the columns: %(names)s.") % {"names": ", ".join(COLUMNS)})
    reader.fieldnames = columns
    lines: list[Line] = []
    seen: set[str] = set()
    for row in reader:
        if len(lines) == MOST_ROWS:
            raise ListRefused(_("At most %(most)s lines at once.") % {"most": MOST_ROWS})
        lines.append(_line(reader.line_num, row, seen))
    if not lines:
        raise ListRefused(_("The file has no lines."))
    return lines


def decode(content: bytes) -> str:
    """The file's text; ListRefused if it is too big or no text."""
    if len(content) > MOST_BYTES:
        raise ListRefused(_("The file is too big."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ListRefused(_("The file is no text in UTF-8.")) from error
    if "\0" in text:
        raise ListRefused(_("The file is no text in UTF-8."))
    return text


def _line(number: int, row: dict[Any, Any], seen: set[str]) -> Line:
    values = {name: " ".join((row.get(name) or "").split()) for name in COLUMNS}
    person = Invited(
        values["email"].lower(), values["name"][:200], values["kind"].lower(), values["legal_form"].lower(),
        values["language"].lower(),
    )  # fmt: skip
    faults = []
    if None in row:
        faults.append(_("More values than columns."))
    try:
        validate_email(person.email)
    except ValidationError:
        faults.append(_("This is no e-mail address."))
    if person.email in seen:
        faults.append(_("This address stands in the file twice."))
    seen.add(person.email)
    if person.kind and person.kind not in Kind.values:
        faults.append(_("kind is one of: %(names)s.") % {"names": ", ".join(Kind.values)})
    if person.legal_form and person.legal_form not in LegalForm.values:
        faults.append(_("legal_form is one of: %(names)s.") % {"names": ", ".join(LegalForm.values)})
    if person.language and person.language not in dict(settings.LANGUAGES):
        faults.append(_("language is one of: %(names)s.") % {"names": ", ".join(dict(settings.LANGUAGES))})
    if Invitation.objects.filter(email=person.email, used_at__isnull=False).exists():
        faults.append(_("Has used an invitation already."))
    return Line(number, person, faults)
