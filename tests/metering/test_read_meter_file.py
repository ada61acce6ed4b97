"""The dry look into a meter file."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.metering.meter_files import POINT, SAMPLES, sample


def shown(*arguments: str | Path) -> str:
    out = StringIO()
    call_command("read_meter_file", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_what_it_shows(tmp_path: Path) -> None:
    assert shown(SAMPLES / "osd_cooperative_daily.csv") == (
        "dso_daily: DSO, community day (kOSD, kSE, DCW, DD, VV), issued 2026-06-15T22:00:01Z\n"
        "288 readings of 3 points from 2026-06-14T22:00:00Z to 2026-06-15T22:00:00Z\n"
        "exported 12000, imported 28800, split 288 (energy in Wh)\n"
    )
    named = tmp_path / f"{POINT}.csv"
    named.write_bytes(sample("enea_ebok_hourly.csv"))
    assert "96 readings of 1 points" in shown(named)
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        json.dumps({"point": "PPE", "time": "Czas (do)", "imported": "C", "label": "end", "header_line": 2})
    )
    assert "192 readings of 2 points" in shown(SAMPLES / "columns.xlsx", "--columns", mapping)


def test_faults_end_it_with_an_error(tmp_path: Path) -> None:
    file = tmp_path / "meter.csv"
    file.write_bytes(sample("own_readings.csv").replace(b",measured", b",guessed"))
    out = StringIO()
    with pytest.raises(CommandError, match="190 faults"):
        call_command("read_meter_file", str(file), stdout=out)
    assert "2 readings of 2 points" in out.getvalue()
    assert "line 2, quality: 'guessed' is not one of measured" in out.getvalue()
    assert out.getvalue().endswith("… and 170 more\n")


@pytest.mark.parametrize(
    ("content", "arguments", "reason"),
    [
        (b"hello", (), "no known format begins with 'hello'"),
        (b"", ("--timezone", "Mars/Olympus"), "unknown time zone"),
    ],
)
def test_what_cannot_be_shown(tmp_path: Path, content: bytes, arguments: tuple[str, ...], reason: str) -> None:
    file = tmp_path / "meter.csv"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=reason):
        shown(file, *arguments)
    with pytest.raises(CommandError, match="No such file"):
        shown(tmp_path / "none.csv")
