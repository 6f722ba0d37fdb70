"""The ID EEPROM: packed as Raspberry Pi's own tool packs it, read back, and no damaged image believed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hw.eeprom import SIZE, Identity, crc16, pack, parse, unpack
from hw.tests.software.conftest import HW

TEXT = (HW / "tsuwa2/eeprom.txt").read_text(encoding="utf-8")
# Of the image that eepmake of the Raspberry Pi utilities made of the same text.
EEPMAKE = "07d54064338345bfeecf6cff2bfa19036e5d354340f1c197d3a3f97c6afe158c"


def test_the_image_is_what_eepmake_makes() -> None:
    assert hashlib.sha256(pack(parse(TEXT))).hexdigest() == EEPMAKE


def test_what_is_packed_is_read_back() -> None:
    identity = parse(TEXT)
    assert unpack(pack(identity)) == identity
    other = replace(identity, vendor="登録", product="x" * 255, product_id=0xFFFF, dt_blob="b")
    assert unpack(pack(other)) == other
    assert len(pack(other)) <= SIZE


def test_the_check_value_is_the_usual_one() -> None:
    assert crc16(b"123456789") == 0xBB3D


def test_every_flipped_octet_and_every_cut_is_found() -> None:
    image = pack(parse(TEXT))
    for at in range(len(image)):
        if at == 5:  # reserved, and not looked at
            continue
        with pytest.raises(ValueError, match=r"."):
            unpack(image[:at] + bytes([image[at] ^ 0x10]) + image[at + 1 :])
    for end in range(len(image)):
        with pytest.raises(ValueError, match=r"."):
            unpack(image[:end])
    with pytest.raises(ValueError, match="no image"):
        unpack(image + b"\0")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (TEXT.replace("dt_blob", "#"), "missing: dt_blob"),
        (TEXT + 'vendor "x"\n', "vendor: unknown, or twice"),
        (TEXT + "current_supply 3\n", "current_supply: unknown"),
        (TEXT.replace("0x0002", "two"), "invalid literal"),
        (TEXT.replace("7d3f", "zzzz"), "hexadecimal|base 16"),
    ],
    ids=("missing", "twice", "unknown", "number", "uuid"),
)
def test_a_text_that_says_something_else_is_refused(wrong: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(wrong)


def test_what_does_not_fit_is_refused() -> None:
    identity = parse(TEXT)
    with pytest.raises(ValueError, match="255"):
        pack(replace(identity, vendor="x" * 256))
    with pytest.raises(ValueError, match="4096"):
        pack(replace(identity, dt_blob="x" * SIZE))


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    image = tmp_path / "eeprom.eep"
    command = [sys.executable, "-m", "hw.eeprom", str(HW / "tsuwa2/eeprom.txt"), str(image)]
    subprocess.run(command, cwd=HW.parent, check=True, timeout=30)
    found = unpack(image.read_bytes())
    assert isinstance(found, Identity)
    assert found == parse(TEXT)
