"""A document as e-invoice, in Polish whoever asks."""

from datetime import date, datetime

from django.utils.translation import override

from billing.domain.documents import Document, DocumentLine
from billing.formats.fa3 import Wording, fa3
from billing.papers.texts import span
from billing.papers.words import SETTLEMENTS
from billing.words import COMPONENTS, PLACES, UNITS, ZONES, said


def einvoice(document: Document, due_on: date, bill: str, made_at: datetime) -> bytes:
    """The document as FA (3); BillingError says what keeps it from being one."""
    with override("pl"):
        return fa3(document, due_on, bill, made_at, WORDING)


def _line(line: DocumentLine, document: Document) -> str:
    parts = [said(COMPONENTS, line.component)]
    parts += [said(words, code) for words, code in ((PLACES, line.sharing_level), (ZONES, line.zone)) if code]
    if (line.first, line.end) != (document.first, document.end):
        parts.append(span(line.first, line.end))
    return ", ".join(parts)


WORDING = Wording(_line, lambda unit: said(UNITS, unit), lambda reason: said(SETTLEMENTS, reason))
