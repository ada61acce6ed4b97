"""The text of an agreement: a template with `{variables}` filled in, and its blocks for setting.

A line `# …` is the title, `## …` a heading, `- …` an item of a list; other lines are paragraphs.
"""

import re
from collections.abc import Mapping
from hashlib import sha256

_VARIABLE = re.compile(r"\{(\w+)\}")
_KINDS = (("# ", "title"), ("## ", "heading"), ("- ", "item"))

#: What a template may say, by kind of partner.
_COMMON = frozenset(
    {
        "number", "version", "day", "start_day", "notice_days", "cluster_name", "dso_name", "amended",
        "coordinator_name", "coordinator_nip", "coordinator_address", "coordinator_iban", "partner_name", "partner_nip",
        "partner_address", "partner_details",
    }
)  # fmt: skip
VARIABLES: dict[str, frozenset[str]] = {
    "participant": _COMMON
    | {
        "partner_code", "partner_iban", "points", "allocation", "price_rule", "residual", "sharing_discount",
        "buyer_fee", "seller_fee",
    },
    "dso": _COMMON | {"partner_iban", "dso_settlement"},
    "seller": _COMMON,
    "buyer": _COMMON,
}  # fmt: skip


class TextError(ValueError):
    """A template that can't be filled in; the text says what is wrong with it."""


def unknown_variables(body: str, kind: str) -> list[str]:
    """Names in braces that an agreement with this kind of partner doesn't have; also single braces."""
    names = sorted(set(_VARIABLE.findall(body)) - VARIABLES[kind])
    left = [brace for brace in "{}" if brace in _VARIABLE.sub("", body)]
    return names + left


def fill(body: str, variables: Mapping[str, str | list[str]]) -> str:
    """The text with each variable in its place. A list becomes items, one a line.

    Values are put in once, on one line, so that nothing in them can be taken for a variable or a heading.
    """

    def value(match: re.Match[str]) -> str:
        found = variables.get(match[1])
        if found is None:
            raise TextError(f"the template names an unknown variable {match[0]}")
        if isinstance(found, list):
            return "\n".join(f"- {_line(item)}" for item in found)
        return _line(found)

    return _VARIABLE.sub(value, body.strip().replace("\r\n", "\n")) + "\n"


def blocks(text: str) -> list[tuple[str, str]]:
    """(kind, text) of each line that says something; kinds: title, heading, item, paragraph."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        start, kind = next(((start, kind) for start, kind in _KINDS if line.startswith(start)), ("", "paragraph"))
        found.append((kind, line.removeprefix(start)))
    return found


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return sha256(content).hexdigest()


def _line(value: str) -> str:
    return " ".join(value.split())
