"""What is wrong with a folder, told with file, line and column, all at once."""

from dataclasses import dataclass

LIMIT = 50


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One mistake. `line` counts from 1, the header included; 0 means the file as a whole, no file none of them."""

    file: str
    line: int
    column: str
    text: str

    def __str__(self) -> str:
        if not self.file:
            return self.text
        place = [self.file]
        if self.line:
            place.append(f"line {self.line}")
        if self.column:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.text}"


class DatasetError(ValueError):
    """A folder that can't be used; `faults` say why, in the order of files and lines; `more`: not all."""

    def __init__(self, faults: tuple[Fault, ...], *, more: bool = False) -> None:
        self.faults = faults
        self.more = more
        lines = [str(fault) for fault in faults]
        if more:
            lines.append(f"… and more; only the first {LIMIT} are told")
        super().__init__("\n".join(lines))


class Faults:
    """Collects mistakes and raises them together."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def add(self, file: str, line: int, column: str, text: str) -> None:
        """Note a mistake; raises when there are too many to go on."""
        self._found.append(Fault(file, line, column, text))
        if len(self._found) >= LIMIT:
            raise DatasetError(tuple(sorted(self._found)), more=True)

    def told(self, file: str, line: int, column: str) -> bool:
        """Whether a mistake of that place is noted already."""
        return any((each.file, each.line, each.column) == (file, line, column) for each in self._found)

    def check(self) -> None:
        """Raise whatever was found."""
        if self._found:
            raise DatasetError(tuple(sorted(self._found)))
