"""How a long step shows how far it is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

#: Shows how far a step of known length is: `with progress("text", total) as advance: advance(n)`.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]


@contextmanager
def silent(_text: str, _total: int) -> Iterator[Callable[[int], object]]:
    """A `Progress` that shows nothing."""
    yield lambda _amount: None
