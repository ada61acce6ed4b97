"""Every text that a user can see has a Polish translation."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

CATALOGUE = Path("cluster_platform/locale/pl/LC_MESSAGES/django.po")
APPS = ("participants", "metering", "contracts", "clearing", "billing", "cluster_platform")


def test_no_text_is_untranslated(tmp_path: Path) -> None:
    if shutil.which("xgettext") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("gettext is not installed")
    for app in APPS:
        shutil.copytree(settings.BASE_DIR / app, tmp_path / app, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    (tmp_path / "only_locale.py").write_text(f"LOCALE_PATHS = [{str(tmp_path / 'cluster_platform/locale')!r}]\n")
    command = [sys.executable, "-m", "django", "makemessages", "--settings", "only_locale", "--locale", "pl"]
    done = subprocess.run([*command, "--no-obsolete"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with open(tmp_path / CATALOGUE, "rb") as file:
        found = [message for message in read_po(file) if message.id]
    assert len(found) > 100
    missing = [
        message.id
        for message in found
        if message.fuzzy or not all(message.string if isinstance(message.string, tuple) else [message.string])
    ]
    assert missing == []
