"""Where things stand in a spreadsheet of readings: plain data, kept once per source."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from metering.formats.words import (
    CHOOSE,
    EITHER_OR,
    FROM_ONE,
    NAME_DIRECTION,
    NAME_ENERGY,
    NAME_TIME,
    NEEDS_NUMBER,
    NEEDS_TEXT,
    SAME_WORDS,
    UNKNOWN_NAME,
)

_CHOICES: dict[str, tuple[object, ...]] = {
    "unit": ("kWh", "Wh"),
    "label": ("start", "end"),
    "clock": ("local", "UTC"),
    "minutes": (15, 60),
}


class ColumnsRefused(ValueError):
    """A mapping that can't be used: the name in it that is wrong, and why."""

    def __init__(self, name: str, text: str, **values: str) -> None:
        self.name, self.text = name, text % values if values else text
        super().__init__(f"{self.name}: {self.text}")


@dataclass(frozen=True)
class Columns:
    """A column is named by its heading, or by its letter (`B`) where no heading has that name.

    Energy stands either in `energy`, with `direction` saying by `import_word` or `export_word` which way it went, or
    in `imported` and `exported` (empty: the file has none). `time` labels the `start` or the `end` of intervals of
    `minutes` (15 or 60) on the `clock` (local, UTC). Without `point` the file names no metering point. `quality`
    holds a name or a code CK0031 to CK0035; without it everything is measured. `sheet` empty: the first one.
    """

    time: str
    point: str = ""
    energy: str = ""
    direction: str = ""
    import_word: str = "import"
    export_word: str = "export"
    imported: str = ""
    exported: str = ""
    quality: str = ""
    unit: str = "kWh"
    label: str = "start"
    clock: str = "local"
    minutes: int = 15
    sheet: str = ""
    header_line: int = 1

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ColumnsRefused(name, CHOOSE, options=", ".join(map(str, choices)))
        if not self.time:
            raise ColumnsRefused("time", NAME_TIME)
        if self.header_line < 1:
            raise ColumnsRefused("header_line", FROM_ONE)
        if self.energy and (self.imported or self.exported):
            raise ColumnsRefused("energy", EITHER_OR)
        if self.energy and not self.direction:
            raise ColumnsRefused("direction", NAME_DIRECTION)
        if not self.energy and not self.imported:
            raise ColumnsRefused("imported", NAME_ENERGY)
        if self.energy and self.import_word.casefold() == self.export_word.casefold():
            raise ColumnsRefused("export_word", SAME_WORDS)


def columns_of(plain: Mapping[str, object]) -> Columns:
    """The mapping from plain data (JSON); raises ColumnsRefused for an unknown name, a wrong type or a wrong choice."""
    known = {field.name: int if field.name in ("minutes", "header_line") else str for field in fields(Columns)}
    for name, value in plain.items():
        if name not in known:
            raise ColumnsRefused(name, UNKNOWN_NAME, options=", ".join(known))
        if type(value) is not known[name]:
            raise ColumnsRefused(name, NEEDS_NUMBER if known[name] is int else NEEDS_TEXT)
    if "time" not in plain:
        raise ColumnsRefused("time", NAME_TIME)
    return Columns(**plain)  # type: ignore[arg-type]
