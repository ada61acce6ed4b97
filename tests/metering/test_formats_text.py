"""However a file is written down, it says the same: encodings, marks, NUL bytes, line ends, decimal signs."""

import io
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.domain.readings import MAX_WH
from metering.formats.text import LONGEST_LINE, NotEnergy, lines, wh_of
from tests.metering.meter_files import SAMPLES, read_file, sample

TEXTS = [path.name for path in sorted(SAMPLES.iterdir()) if path.suffix != ".xlsx"]
ENCODINGS = {
    "UTF-8": lambda text: text.encode(),
    "UTF-8 with BOM": lambda text: text.encode("utf-8-sig"),
    "UTF-16 with BOM": lambda text: text.encode("utf-16"),
    "UTF-16 LE without BOM": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE without BOM": lambda text: text.encode("utf-16-be"),
    "cp1250": lambda text: text.encode("cp1250"),
    "LF": lambda text: text.replace("\r\n", "\n").encode(),
    "CRLF": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n").encode(),
    "no end of the last line": lambda text: text.rstrip("\r\n").encode(),
    "NUL bytes": lambda text: b"\0\0" + text.replace(";", ";\0").replace("\n", "\n\0").encode() + b"\0" * 64,
    "empty lines at the end": lambda text: text.encode() + (b"" if text.startswith("{") else b"\r\n;;;") + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("how", ENCODINGS)
def test_each_sample_in_each_encoding(name: str, how: str) -> None:
    text = sample(name).decode("utf-8-sig")
    assert read_file(ENCODINGS[how](text)) == read_file(sample(name))


@pytest.mark.parametrize("name", [name for name in TEXTS if name.startswith(("canonical", "enea", "tauron"))])
def test_decimal_point_and_comma(name: str) -> None:
    text = sample(name).decode("utf-8-sig")
    if name.startswith("canonical"):
        other = text.replace(",", ";").replace(".8.0;0.", ".8.0;0,")
    else:
        other = text.replace(";0,", ";0.").replace('"0,', '"0.')
    assert other != text
    assert read_file(other.encode()) == read_file(sample(name))


def test_a_line_without_end_is_cut() -> None:
    junk = b"x" * (5 * LONGEST_LINE)
    found = list(lines(io.BytesIO(b"a\n" + junk + b"\nb\n" + junk)))
    assert [(number, text[:1]) for number, text in found] == [(1, "a"), (2, "x"), (3, "b"), (4, "x")]
    assert max(len(text) for _, text in found) == LONGEST_LINE
    wide = "a\n" + "x" * (2 * LONGEST_LINE) + "\nb\n"
    assert [number for number, _ in lines(io.BytesIO(wide.encode("utf-16")))] == [1, 2, 3]


def test_a_stream_that_gives_little_at_a_time() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 1, 7))

    data = sample("tauron_elicznik_hourly.csv")
    assert list(lines(Slow(data))) == list(lines(io.BytesIO(data)))


@given(st.decimals(0, 2000, places=4), st.sampled_from(".,"), st.booleans())
def test_kwh_to_the_nearest_wh(value: Decimal, sign: str, short: bool) -> None:
    text = f"{value:f}".replace(".", sign)
    text = text.removeprefix("0") if short else text
    assert wh_of(text) == int((value * 1000).quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(
    "text", ["", ".", ",", "-", "+1", "1 000,5", "1.234,5", "1,2,3", "1e3", "0x1", "nan", "½", "٣", "--1", "1-"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(NotEnergy):
        wh_of(text)


def test_limits_of_energy() -> None:
    assert wh_of(str(MAX_WH), "Wh") == MAX_WH
    for text, unit in ((str(MAX_WH + 1), "Wh"), ("9" * 5000, "kWh"), ("-0,001", "kWh"), ("0.5", "Wh")):
        with pytest.raises(NotEnergy):
            wh_of(text, unit)
    assert wh_of("-0,000") == 0 and wh_of("5.000", "Wh") == 5
