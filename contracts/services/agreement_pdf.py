"""An agreement's text as a PDF, set by Typst with the fonts that it carries."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import typst

from contracts.domain.agreement_text import blocks, digest

TEXTS = Path(__file__).resolve().parent.parent / "agreement_texts"


def pdf_of(text: str, *, language: str, cluster: str, short: str) -> bytes:
    """The same text gives the same bytes: no clock, no font of the machine. `short` names it on every page."""
    return _set(TEXTS, "agreement.typ", paper=_paper(text, language, cluster, short))


def confirmation_pdf_of(
    text: str, *, language: str, cluster: str, short: str, sheet: Mapping[str, object], signed: bytes, file: str
) -> bytes:
    """The text with the sheet of its signatures behind it; the bytes `signed` are attached under the name `file`."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("agreement.typ", "confirmation.typ"):
            shutil.copy(TEXTS / name, root)
        (root / file).write_bytes(signed)
        return _set(
            root, "confirmation.typ", paper=_paper(text, language, cluster, short), sheet={**sheet, "file": file}
        )


def _set(root: Path, name: str, **inputs: Mapping[str, object]) -> bytes:
    pdf = typst.compile(
        root / name,
        root=root,
        format="pdf",
        sys_inputs={key: json.dumps(value) for key, value in inputs.items()},
        ignore_system_fonts=True,
        timestamp=0,
    )
    return bytes(pdf)


def _paper(text: str, language: str, cluster: str, short: str) -> dict[str, object]:
    found = blocks(text)
    return {
        "blocks": found,
        "title": next((body for kind, body in found if kind == "title"), short),
        "short": short,
        "cluster": cluster,
        "language": language,
        "text_sha256": digest(text.encode()),
    }


def default_text(kind: str, language: str) -> str:
    """The text that a cluster starts with."""
    return (TEXTS / f"{kind}.{language}.txt").read_text(encoding="utf-8")
