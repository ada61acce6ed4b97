"""manifest.json of a settlement package: what the folder holds, and the digests that protect it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clearing.package.files import PRESENT, READABLE, file_digest, find_file
from clearing.package.findings import Findings
from clearing.package.lines import FILES, FORMAT, MANIFEST
from metering.domain.calendar import parse_instant

FILE_DIGEST = "SHA-256 of the file"
_KEYS = ("format", "cluster", "range", "software", "solver", "files", "sha256")


@dataclass(frozen=True, slots=True)
class Manifest:
    """`start` and `end` as interval starts are written, end exclusive; `solvers` and `software` name and version;
    `files` gives the SHA-256 (hex) by file name."""

    cluster: str
    start: str
    end: str
    software: str
    solvers: tuple[str, ...]
    files: Mapping[str, str]

    def text(self) -> str:
        """The one way to write this manifest. Its own `sha256` is taken over the text with that entry left out."""
        body: dict[str, object] = {
            "format": FORMAT,
            "cluster": self.cluster,
            "range": {"from": self.start, "to": self.end},
            "software": self.software,
            "solver": list(self.solvers),
            "files": {name: {"sha256": digest} for name, digest in self.files.items()},
        }
        return _json(body | {"sha256": hashlib.sha256(_json(body).encode()).hexdigest()})


def _json(body: Mapping[str, object]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def check_manifest(folder: Path, findings: Findings) -> tuple[Manifest, Mapping[str, Path]] | None:
    """The manifest and the files by name, each compared with its digest; None unless all of them can be read."""
    files = {name: path for name in FILES if (path := find_file(folder, name, findings)) is not None}
    digests = {name: file_digest(path, name, findings) for name, path in files.items()}
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest = _parse(json.loads(text))
    except FileNotFoundError:
        findings.add(MANIFEST, PRESENT, "missing")
        return None
    except (OSError, ValueError, RecursionError) as error:
        findings.add(MANIFEST, READABLE, str(error))
        return None
    if manifest.text() != text:
        findings.add(MANIFEST, FILE_DIGEST, "the manifest is not as it was written: its own sha256 does not hold")
    for name, digest in digests.items():
        if digest is not None and digest != manifest.files[name]:
            findings.add(name, FILE_DIGEST, f"is {digest}, {MANIFEST} says {manifest.files[name]}")
    return (manifest, files) if all(digests.get(name) for name in FILES) else None


def _parse(body: object) -> Manifest:
    if not isinstance(body, dict) or tuple(body) != _KEYS:
        raise ValueError(f"expected the keys {', '.join(_KEYS)}")
    if body["format"] != FORMAT:
        raise ValueError(f"the format is {body['format']!r}, expected {FORMAT!r}")
    try:
        files = {str(name): str(entry["sha256"]) for name, entry in body["files"].items()}
        manifest = Manifest(
            cluster=str(body["cluster"]),
            start=str(body["range"]["from"]),
            end=str(body["range"]["to"]),
            software=str(body["software"]),
            solvers=tuple(str(solver) for solver in body["solver"]),
            files=files,
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"an entry is missing or of another kind ({error})") from error
    parse_instant(manifest.start), parse_instant(manifest.end)
    if tuple(files) != FILES:
        raise ValueError(f"expected the files {', '.join(FILES)}")
    return manifest
