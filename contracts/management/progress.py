"""The progress bar of this app's commands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def bar(text: str, total: int) -> Iterator[Callable[[int], object]]:
    """Shows a step of known length on the terminal's error stream."""
    with tqdm(total=total, desc=text, unit_scale=True) as shown:
        yield shown.update
