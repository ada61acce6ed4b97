"""A bill as an archival PDF: PDF/A-2a and PDF/UA-1, with the fonts that Typst carries."""

import json
from datetime import UTC, datetime, time
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import segno
import typst
from django.utils.translation import override

from billing.domain.documents import Bill
from billing.papers.sheet import BillSheet, bill_sheet

FOLDER = Path(__file__).resolve().parent
STANDARDS: Any = ["a-2a", "ua-1"]
#: One of the eight that any reader knows; to weigh all eight takes five times as long as the code itself.
MASK = 2


def pdf_of_bill(bill: Bill, language: str) -> bytes:
    """The same bill gives the same bytes: no clock, no font of the machine; it is dated with its day of issue."""
    with override(language):
        sheet = bill_sheet(bill, language)
    issued = datetime.combine(bill.issued_on, time(), UTC)
    pdf = _compiler().compile(
        format="pdf", sys_inputs={"bill": _data(sheet)}, pdf_standards=STANDARDS, timestamp=int(issued.timestamp())
    )
    if not isinstance(pdf, bytes):
        raise TypeError("Typst gave no single file")
    return pdf


@cache
def _compiler() -> typst.Compiler:
    """One a process: its fonts and the template are read once."""
    return typst.Compiler(FOLDER / "bill.typ", root=FOLDER, ignore_system_fonts=True)


def _data(sheet: BillSheet) -> str:
    images = {"code": svg_of(sheet.code), "alt": sheet.labels["code"]} if sheet.code else {}
    codes = [svg_of(paper.ksef_link) if paper.ksef_link else "" for paper in sheet.documents]
    return json.dumps({**vars(sheet), "images": images, "ksef_codes": codes}, default=vars, sort_keys=True)


def svg_of(code: str, page: bool = False) -> str:
    """A QR code as SVG, with the quiet zone that scanners need; for a page without what only files need."""
    drawing = BytesIO()
    as_part = {"xmldecl": False, "svgns": False, "nl": False, "omitsize": True} if page else {}
    made = segno.make(code, error="m", micro=False, mask=MASK)
    made.save(drawing, kind="svg", border=4, light="#fff", svgclass=None, lineclass=None, **as_part)
    return drawing.getvalue().decode()
