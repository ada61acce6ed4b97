"""An agreement's text as a PDF, set by Typst with the fonts that it carries."""

import json
from pathlib import Path

import typst

from contracts.domain.agreement_text import blocks, digest

TEXTS = Path(__file__).resolve().parent.parent / "agreement_texts"


def pdf_of(text: str, *, language: str, cluster: str, short: str) -> bytes:
    """The same text gives the same bytes: no clock, no font of the machine. `short` names it on every page."""
    found = blocks(text)
    paper = {
        "blocks": found,
        "title": next((body for kind, body in found if kind == "title"), short),
        "short": short,
        "cluster": cluster,
        "language": language,
        "text_sha256": digest(text.encode()),
    }
    pdf = typst.compile(
        TEXTS / "agreement.typ",
        format="pdf",
        sys_inputs={"paper": json.dumps(paper)},
        ignore_system_fonts=True,
        timestamp=0,
    )
    return bytes(pdf)


def default_text(kind: str, language: str) -> str:
    """The text that a cluster starts with."""
    return (TEXTS / f"{kind}.{language}.txt").read_text(encoding="utf-8")
