"""Silence for CBC, whose simplex writes to the C library's standard output whatever its verbosity is set to."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

STDOUT = 1


@contextmanager
def c_stdout_discarded() -> Iterator[None]:
    """Discard what C code of this process writes to standard output; other threads' output is discarded too."""
    flush = ctypes.CDLL(None).fflush
    flush(None)
    kept, nowhere = os.dup(STDOUT), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDOUT)
    try:
        yield
    finally:
        flush(None)
        os.dup2(kept, STDOUT)
        os.close(kept)
        os.close(nowhere)
