"""The 7z archive, judged by 7-Zip."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.disclosure.copies import PASSPHRASE, seven_zip
from tsuwaroku.disclosure import sevenzip
from tsuwaroku.disclosure.sevenzip import Entry, archive
from tsuwaroku.disclosure.sound import measure

AT_NS = 1_795_410_000 * 10**9


def entry(name: str, octets: bytes) -> Entry:
    return Entry(name, measure([octets]), lambda: [octets[at : at + 1000] for at in range(0, len(octets), 1000)])


def written(path: Path, entries: list[Entry]) -> Path:
    made = archive(entries, PASSPHRASE, AT_NS)
    path.write_bytes(b"".join(made.pieces()))
    assert path.stat().st_size == made.size
    return path


def seven(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [seven_zip(), *arguments, f"-p{PASSPHRASE}"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TZ": "UTC"},
    )


@pytest.mark.parametrize(
    "sizes", [[1], [15, 16, 17], [16], [127, 128, 16383, 16384, 16385], [2_097_151], [2_097_152, 3], [50] * 300]
)
def test_what_goes_in_comes_out(sizes: list[int], tmp_path: Path) -> None:
    files = {f"通話 {number}/ファイル.bin": os.urandom(size) for number, size in enumerate(sizes)}
    path = written(tmp_path / "a.7z", [entry(name, octets) for name, octets in files.items()])
    assert seven("x", f"-o{tmp_path / 'out'}", path).returncode == 0
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files} == files
    assert (tmp_path / "out" / next(iter(files))).stat().st_mtime_ns == AT_NS


@pytest.mark.parametrize("at", [8, 20, 40, 3000, -200, -40, -1])
def test_a_flipped_bit_is_found(at: int, tmp_path: Path) -> None:
    path = written(tmp_path / "a.7z", [entry("a", os.urandom(5000))])
    octets = bytearray(path.read_bytes())
    octets[at] ^= 1
    path.write_bytes(octets)
    assert seven("t", path).returncode != 0


def test_numbers_are_those_of_the_format() -> None:
    for value in [*range(300), *(2**bits + more for bits in range(9, 64) for more in (-1, 0, 1) if bits < 63)]:
        octets = sevenzip._number(value)
        first, rest = octets[0], octets[1:]
        ones = f"{first:08b}0".index("0")
        assert len(rest) == ones
        assert int.from_bytes(rest, "little") | (first & (0x7F >> ones)) << 8 * ones == value


def test_no_two_archives_have_one_key_or_one_beginning(tmp_path: Path) -> None:
    one, other = (b"".join(archive([entry("a", bytes(500))], PASSPHRASE, AT_NS).pieces()) for _ in range(2))
    assert one[32:48] != other[32:48]
