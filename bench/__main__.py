"""`make bench`: June of the example from files to statements, a day of 10,000 points, a month of 1,000, clear() alone.

`make bench-large` bills a month of 10,000 points, which take twenty minutes to load and clear before.

Runs on a fresh embedded database of its own, so your data is neither used nor touched.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.clear import report

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench"
STEPS = {
    "load": ("COPY of the same rows", "<= 2 x floor"),
    "clear": ("the solver alone", "<= 45 s"),
    "bill": ("COPY of what it reads", "<= 10 s"),
    "export": ("COPY of what it writes", ""),
    "ingest": ("COPY of the same rows", "<= 2 x floor"),
    "resend": ("COPY of the same rows", ""),
    "http csv": ("COPY of the same rows", "<= 19.2 s, that is 50,000 readings a second"),
    "http json": ("COPY of the same rows", "<= 19.2 s"),
    "papers": ("typesetting alone, on two processes", "1,000 bills as PDF <= 60 s"),
    "bill 1k": ("COPY of what it reads", "1,004 metering points <= 8 s"),
}
LARGE = {"bill 10k": ("COPY of what it reads", "10,040 metering points <= 80 s")}


def run_step(name: str) -> tuple[dict[str, Any], float]:
    """What the step measured, and the peak memory of its process [MB]."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith(("DATABASE_URL", "REDIS_URL"))}
    environment |= {"CLUSTER_PLATFORM_VAR": str(VAR), "DJANGO_SETTINGS_MODULE": "cluster_platform.settings"}
    step = subprocess.Popen(
        [sys.executable, "-m", "bench.steps", name], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert step.stdout is not None
    said = step.stdout.read()
    _, status, usage = os.wait4(step.pid, 0)
    if status:
        sys.exit(f"The step {name} failed.")
    return json.loads(said.splitlines()[-1]), usage.ru_maxrss / 1024


def main(steps: dict[str, tuple[str, str]]) -> None:
    shutil.rmtree(VAR, ignore_errors=True)
    print(f"{'June 2026':10}{'seconds':>9}{'floor':>8}{'ratio':>7}{'peak MB':>9}   floor is, aim")
    try:
        for name, (floor, aim) in steps.items():
            measured, megabytes = run_step(name)
            seconds, least = measured["seconds"], measured["floor"]
            ratio = f"{seconds / least:6.1f}x"
            print(f"{name:10}{seconds:9.1f}{least:8.1f}{ratio}{megabytes:9.0f}   {floor}{aim and f', aim {aim}'}")
    finally:
        shutil.rmtree(VAR, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--large"]:
        main(LARGE)
    else:
        main(STEPS)
        print("", *report(), sep="\n")
