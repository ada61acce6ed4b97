"""Behind TLS: Django's own check finds nothing, cookies and headers are strict."""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADERS_AND_COOKIES = """
import json
from django.conf import settings
from django.test import Client
response = Client().get("/", secure=True, headers={"host": "localhost"})
plain = Client().get("/", headers={"host": "localhost"})
print(json.dumps({
    "status": response.status_code, "headers": dict(response.headers), "plain": [plain.status_code, plain["Location"]],
    "session": [settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE],
    "csrf": [settings.CSRF_COOKIE_SECURE, settings.CSRF_COOKIE_SAMESITE],
}))
"""


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    strict = {"HTTPS": "true", "DEBUG": "false", "SECRET_KEY": secrets.token_urlsafe(60)}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment | strict, capture_output=True, text=True, timeout=120
    )


@pytest.mark.django_db
def test_check_deploy_is_clean(service_environment: dict[str, str]) -> None:
    result = manage(service_environment, "check", "--deploy", "--fail-level", "INFO")
    assert result.returncode == 0, result.stderr
    assert "no issues (0 silenced)" in result.stdout


@pytest.mark.django_db
def test_headers_and_cookies_are_strict(service_environment: dict[str, str]) -> None:
    result = manage(service_environment, "shell", "-v", "0", "-c", HEADERS_AND_COOKIES)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    headers = found["headers"]
    assert found["status"] == 302
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert found["session"] == [True, True, "Lax"]
    assert found["csrf"] == [True, "Lax"]
    assert found["plain"] == [301, "https://localhost/"]
