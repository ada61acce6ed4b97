"""The life of an application: every step, who may take it, from where and to where.

draft → submitted ⇄ questions; submitted → at_dso → confirmed → admitted; at_dso → objected → at_dso or questions.
Refused, withdrawn and admitted are ends.
"""

from dataclasses import dataclass
from typing import Literal

Actor = Literal["applicant", "coordinator", "dso"]

#: Still open, whoever's turn it is.
OPEN = frozenset({"draft", "submitted", "questions", "at_dso", "objected", "confirmed"})
#: The applicant may change what the application says.
EDITABLE = frozenset({"draft", "questions"})


class StepRefused(ValueError):
    """The step is not this actor's, does not lead on from the status, or lacks its text."""


@dataclass(frozen=True)
class Step:
    """One way from some statuses to another; `needs_text`: a question, an answer or a reason belongs to it."""

    name: str
    actor: Actor
    sources: frozenset[str]
    target: str
    needs_text: bool = False


STEPS = {
    step.name: step
    for step in (
        Step("submit", "applicant", frozenset({"draft"}), "submitted"),
        Step("answer", "applicant", frozenset({"questions"}), "submitted", needs_text=True),
        Step("withdraw", "applicant", OPEN, "withdrawn"),
        Step("ask", "coordinator", frozenset({"submitted", "objected", "confirmed"}), "questions", needs_text=True),
        Step("refuse", "coordinator", OPEN - {"draft"}, "refused", needs_text=True),
        Step("send", "coordinator", frozenset({"submitted", "objected"}), "at_dso"),
        Step("admit", "coordinator", frozenset({"confirmed"}), "admitted"),
        Step("confirm", "dso", frozenset({"at_dso"}), "confirmed"),
        Step("object", "dso", frozenset({"at_dso"}), "objected", needs_text=True),
    )
}


def next_status(step: str, actor: Actor, status: str, text: str) -> str:
    """The status that `actor` reaches from `status` by `step`; StepRefused if they may not take it."""
    wanted = STEPS.get(step)
    if wanted is None or wanted.actor != actor or status not in wanted.sources:
        raise StepRefused(f"{actor} can't {step} what is {status}")
    if wanted.needs_text and not text.strip():
        raise StepRefused(f"{step} needs a text")
    return wanted.target


def steps_from(status: str, actor: Actor) -> list[str]:
    """The steps that `actor` may take now."""
    return [step.name for step in STEPS.values() if step.actor == actor and status in step.sources]
