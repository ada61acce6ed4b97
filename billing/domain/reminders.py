"""When which reminder of an unpaid bill is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum


class Step(IntEnum):
    """A friendly reminder, a reminder, a final demand with a day."""

    FRIENDLY = 1
    SECOND = 2
    FINAL = 3


@dataclass(frozen=True, slots=True)
class StepDays:
    """Days after a bill was due for each step, rising; the final demand gives `final_days` more days."""

    friendly: int
    second: int
    final: int
    final_days: int

    def after(self, step: Step) -> int:
        """Days after the bill was due."""
        return {Step.FRIENDLY: self.friendly, Step.SECOND: self.second, Step.FINAL: self.final}[step]


def step_due(due_on: date, sent: Mapping[Step, date], days: StepDays, today: date) -> Step | None:
    """The step to send today, if any: each once, in order, and never two closer together than the settings have them.

    After an outage the reminders that are late do not come all at once.
    """
    step = next((step for step in Step if step not in sent), None)
    if step is None or today < due_on + timedelta(days=days.after(step)):
        return None
    if step == Step.FRIENDLY:
        return step
    before = Step(step - 1)
    apart = timedelta(days=days.after(step) - days.after(before))
    return step if today >= sent[before] + apart else None
