"""Where an exchange folder is written: all of it or nothing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


class FolderRefused(Exception):
    """The folder can't be written; the text says why and what to do."""


@contextmanager
def complete_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out`, which must be absent or empty; it takes that name if all goes well, else it is removed.

    Raises FolderRefused.
    """
    if out.is_symlink() or (out.exists() and not (out.is_dir() and not any(out.iterdir()))):
        raise FolderRefused(f"{out} exists already and is not an empty folder; name another one or remove it.")
    folder = out.absolute().with_name(f".{out.absolute().name}-{uuid4().hex[:8]}")
    try:
        folder.mkdir(parents=True)
        yield folder
        folder.rename(out)
    except OSError as error:
        raise FolderRefused(f"{out} can't be written: {error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
