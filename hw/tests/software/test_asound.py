"""The ALSA names of the lines, through alsa-lib itself: each is its own channel, in and out."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hw.tests.software.conftest import HW
from hw.tsuwa2 import pinmap as two
from hw.tsuwa8 import pinmap as eight

RATE = 48_000
CHANNELS = {"tsuwa2": len(two.AUDIO), "tsuwa8": len(eight.LINES)}


def stand_in(board: str, folder: Path) -> dict[str, str]:
    """The board's names, with files in place of its card. Gives the environment in which alsa-lib reads them."""
    table = np.zeros((RATE, CHANNELS[board]), dtype="<i2")
    for channel in range(CHANNELS[board]):
        table[:, channel] = 1000 * (channel + 1)
    (folder / "in.raw").write_bytes(table.tobytes())
    text = (HW / board / "asound.conf").read_text(encoding="utf-8")
    files = f'pcm.{board} {{ type file slave.pcm null file "{folder}/out.raw" infile "{folder}/in.raw" format raw }}\n'
    text, count = re.subn(rf"pcm\.{board} {{.*?^}}\n", files, text, flags=re.S | re.M)
    assert count == 1
    (folder / "asound.conf").write_text(f"</usr/share/alsa/alsa.conf>\n{text}")
    return os.environ | {"ALSA_CONFIG_PATH": str(folder / "asound.conf")}


def run(environment: dict[str, str], *command: object) -> bytes:
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


FORMAT = ("-q", "-t", "raw", "-f", "S16_LE", "-r", RATE, "-c", 1)


@pytest.mark.parametrize("board", CHANNELS)
def test_each_line_is_its_own_channel(board: str, tmp_path: Path) -> None:
    environment = stand_in(board, tmp_path)
    for n in range(1, CHANNELS[board] + 1):
        heard = np.frombuffer(run(environment, "arecord", "-D", f"line{n}", *FORMAT, "-s", 480), "<i2")
        assert set(heard[:480].tolist()) == {1000 * n}


def test_each_notice_goes_to_its_own_line(tmp_path: Path) -> None:
    environment = stand_in("tsuwa2", tmp_path)
    (tmp_path / "notice.raw").write_bytes(np.full(960, 12_345, dtype="<i2").tobytes())
    for n in (1, 2):
        run(environment, "aplay", "-D", f"notice{n}", *FORMAT, tmp_path / "notice.raw")
        sent = np.frombuffer((tmp_path / "out.raw").read_bytes(), "<i2").reshape(-1, 2)
        assert sent[:960, n - 1].tolist() == [12_345] * 960
        assert not sent[:, 2 - n].any()


@pytest.mark.parametrize("board", CHANNELS)
def test_no_name_lets_another_program_listen_to_a_running_recorder(board: str) -> None:
    text = re.sub(r"#.*", "", (HW / board / "asound.conf").read_text(encoding="utf-8"))
    assert set(re.findall(r"type (\w+)", text)) == {"hw", "plug"}
