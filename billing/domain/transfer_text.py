"""Texts as banks take them in transfers."""

import re
import unicodedata

LONGEST_NAME = 70
LONGEST_TITLE = 140
LONGEST_ID = 35
#: The Latin set of the European Payments Council, which every bank takes.
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_LETTERS = str.maketrans(
    {"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "Ø": "O", "–": "-", "—": "-", "„": "'", "”": "'", "’": "'"}
)


def bank_text(text: str, longest: int) -> str:
    """Without accents, anything else that banks don't take as a space, cut to `longest`.

    >>> bank_text("Żółw & Łoś sp. z o.o.", 70), bank_text("Faktura FS/2026/06/00012", 9)
    ('Zolw Los sp. z o.o.', 'Faktura F')
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(_NOT_ALLOWED.sub(" ", bare).split())[:longest].rstrip()


def bank_id(text: str) -> str:
    """An identification: no `/` at its ends and never two."""
    return re.sub(r"/+", "/", bank_text(text, LONGEST_ID).replace(" ", "")).strip("/")
