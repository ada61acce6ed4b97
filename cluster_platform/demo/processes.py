"""The programs that the demo runs beside itself, each in a process group of its own."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

STOP_SECONDS = 15


class ProgramEnded(Exception):
    """A program that should go on has ended; the message names it and its log."""


def web_server(application: str, port: int) -> list[str]:
    """The arguments of the demo's web server.

    Browsers open connections ahead of need and leave them idle: without threads each would hold up a worker.
    """
    address = f"127.0.0.1:{port}"
    return ["gunicorn", application, "--bind", address, "--workers", "2", "--threads", "4", "--no-control-socket"]


def workers() -> dict[str, list[str]]:
    """The demo's workers by name, with their arguments: what takes minutes does not hold up clearing."""
    return {
        "worker": ["worker", "--concurrency", "2", "--loglevel", "INFO"],
        "billing-worker": [
            "worker", "--queues", "billing", "--hostname", "billing@%h", "--concurrency", "1", "--loglevel", "INFO",
        ],
    }  # fmt: skip


@dataclass(frozen=True)
class Program:
    name: str
    process: "subprocess.Popen[bytes]"
    log: Path


class Programs:
    """Starts programs and stops them all; knows those that a killed demo left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[Program] = []

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        log = self.folder / f"{name}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self._mark(name).write_text(f"{process.pid} {psutil.Process(process.pid).create_time()}")
        self.running.append(Program(name, process, log))

    def check(self) -> None:
        """Raises ProgramEnded if one of them is gone."""
        for program in self.running:
            if program.process.poll() is not None:
                raise ProgramEnded(f"The {program.name} has ended; its log is {program.log}")

    def stop(self) -> None:
        for program in self.running:
            program.process.terminate()
        for program in self.running:
            _end_group(program.process.pid)
            program.process.wait()
            self._mark(program.name).unlink()
        self.running.clear()

    def end_left_over(self) -> None:
        """End the programs of a demo that was killed; the time of their start tells them from others with that pid."""
        for mark in self.folder.glob("*.pid"):
            try:
                pid, created = mark.read_text().split()
                if psutil.Process(int(pid)).create_time() == float(created):
                    _end_group(int(pid))
            except (ValueError, psutil.NoSuchProcess):
                pass
            mark.unlink()

    def _mark(self, name: str) -> Path:
        return self.folder / f"{name}.pid"


def _end_group(leader: int) -> None:
    """Ask a program to end, which gunicorn and celery do with their own children, then end what is left of it."""
    members = [process for process in psutil.process_iter() if _group_of(process.pid) == leader]
    _signal([process for process in members if process.pid == leader], signal.SIGTERM)
    _signal(members, signal.SIGKILL)


def _signal(processes: list[psutil.Process], what: int) -> None:
    """Send a signal and wait until they have ended, at most STOP_SECONDS."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(what)
    deadline = time.monotonic() + STOP_SECONDS
    while any(_is_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
