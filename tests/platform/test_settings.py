"""A wrong setting stops the start with one line that names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REAL = {
    "DATABASE_URL": "postgres://app@db/x",
    "DATABASE_OWNER_URL": "postgres://owner@db/x",
    "REDIS_URL": "redis://queue",
    "SECRET_KEY": "k" * 60,
}


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "diffsettings"]
    clean = {name: value for name, value in os.environ.items() if name not in REAL}
    return subprocess.run(command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"CLEARING_SOLVER": "GLPK"}, "CLEARING_SOLVER"),
        ({"CLEARING_EVERY_SECONDS": "soon"}, "CLEARING_EVERY_SECONDS"),
        ({"CLUSTER_TASK_SECONDS": "long"}, "CLUSTER_TASK_SECONDS"),
        ({"DEBUG": "perhaps"}, "DEBUG"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
        ({"RETENTION_APPLICATIONS_MONTHS": "-1"}, "RETENTION_APPLICATIONS_MONTHS"),
        ({"RETENTION_ACCESSES_MONTHS": "11"}, "RETENTION_ACCESSES_MONTHS must be 12 or more"),
        ({"EMAIL_URL": "mail.example.org"}, "EMAIL_URL"),
        ({"EMAIL_URL": "smtp://user:pass/word@mail.example.org"}, "EMAIL_URL"),
        (REAL | {"DATABASE_OWNER_URL": ""}, "DATABASE_OWNER_URL"),
        (REAL | {"SECRET_KEY": ""}, "SECRET_KEY"),
        (REAL | {"REDIS_URL": ""}, "REDIS_URL"),
        (REAL | {"DATABASE_URL": "sqlite:///x.db"}, "PostgreSQL"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(wrong: dict[str, str], named: str) -> None:
    result = start(**wrong)
    assert result.returncode != 0
    assert named in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_given_services_are_used() -> None:
    result = start(**REAL)
    assert result.returncode == 0, result.stderr
    assert "'HOST': 'db'" in result.stdout
