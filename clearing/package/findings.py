"""What a verification finds wrong."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: where (file, and if known the interval's start and the metering point), which law, and how."""

    file: str
    interval: str
    point: str
    law: str
    detail: str

    def __str__(self) -> str:
        where = " ".join(part for part in (self.file, self.interval, self.point) if part)
        return f"{where}: {self.law}: {self.detail}" if self.detail else f"{where}: {self.law}"


@dataclass(slots=True)
class Findings:
    """Collects findings; keeps the first `limit` of them and counts all."""

    limit: int = 100
    kept: list[Finding] = field(default_factory=list)
    total: int = 0

    def add(self, file: str, law: str, detail: str = "", *, interval: str = "", point: str = "") -> None:
        self.total += 1
        if len(self.kept) < self.limit:
            self.kept.append(Finding(file, interval, point, law, detail))
