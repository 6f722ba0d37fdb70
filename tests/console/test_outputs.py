"""Outputs: all of the sound reaches the ear, in order, and nothing else; what fails says so, and what to do."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import time
import wave
from pathlib import Path

import pytest

from tsuwaroku.console import outputs
from tsuwaroku.console.outputs import (
    PLAYERS,
    AlsaOutput,
    PlayerOutput,
    player_command,
    refuse_definition,
    unknown_player,
    wav_header,
)
from tsuwaroku.errors import BoardError, RefusedError

RATE = 8000
SOUND = b"".join((n % 20_000).to_bytes(2, "little", signed=True) for n in range(RATE // 2))
CONF = """</usr/share/alsa/alsa.conf>
pcm.out {{ type file slave.pcm null file "{out}" format raw }}
"""
alsa = pytest.mark.skipif(
    not Path("/usr/share/alsa/alsa.conf").exists(), reason="alsa-lib's own configuration is not installed"
)


def stay() -> bool:
    return False


def blocks(sound: bytes = SOUND, size: int = RATE // 10) -> list[bytes]:
    return [sound[at : at + 2 * size] for at in range(0, len(sound), 2 * size)]


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device that writes down what it is given; by ALSA's own plug-in, through the real library."""
    (tmp_path / "asound.conf").write_text(CONF.format(out=tmp_path / "out.raw"))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    return tmp_path / "out.raw"


@alsa
@pytest.mark.parametrize("odd", [0, 1, 333])
def test_all_of_it_goes_to_the_device(device: Path, odd: int) -> None:
    sound = SOUND + SOUND[: 2 * odd]
    output = AlsaOutput("out", RATE)
    for block in blocks(sound):
        output.write(block, stay)
    output.finish(stay)
    assert output.played() == len(sound) // 2
    output.stop()
    output.stop()
    assert output.played() == len(sound) // 2
    assert device.read_bytes()[: len(sound)] == sound


@alsa
def test_a_device_that_is_silenced_has_played_no_more_than_it_was_given(device: Path) -> None:
    output = AlsaOutput("out", RATE)
    for block in blocks()[:3]:
        output.write(block, stay)
    assert 0 <= output.played() <= 3 * RATE // 10
    output.stop()
    before = output.played()
    time.sleep(0.15)
    assert output.played() == before


@alsa
def test_a_device_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(BoardError, match="does not open") as caught:
        AlsaOutput("no_such_device", RATE)
    assert "--player auto" in caught.value.remedy


class Card:
    """pyalsaaudio's PCM as it behaves at a card that plays in real time, fails and runs dry."""

    def __init__(self, taken: list[int], free: list[int]) -> None:
        self._taken, self._free = taken, free
        self.got = b""
        self.dropped = self.drained = False

    def info(self) -> dict[str, int]:
        return {"buffer_size": 3200}

    def write(self, pcm: bytes) -> int:
        taken = self._taken.pop(0) if self._taken else len(pcm) // 2
        self.got += pcm[: 2 * max(0, taken)]
        return taken

    def avail(self) -> int:
        return self._free.pop(0) if len(self._free) > 1 else self._free[0]

    def drop(self) -> None:
        self.dropped = True

    def drain(self) -> None:
        self.drained = True

    def close(self) -> None: ...


def at_card(monkeypatch: pytest.MonkeyPatch, card: Card) -> AlsaOutput:
    import alsaaudio

    monkeypatch.setattr(alsaaudio, "PCM", lambda **_: card)
    return AlsaOutput("card", RATE)


def test_what_the_card_still_holds_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card([], [3200, 2400, 1600, 3200])
    output = at_card(monkeypatch, card)
    output.write(SOUND[:3200], stay)
    assert [output.played() for _ in range(4)] == [1600, 800, 0, 1600]
    output.stop()
    assert card.dropped


def test_a_card_that_ran_dry_or_took_a_part_is_given_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card([-32, 700, 100], [-32])
    output = at_card(monkeypatch, card)
    output.write(SOUND[:1600], stay)
    assert (card.got, output.played()) == (SOUND[:1600], 800)


def test_a_card_that_takes_nothing_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    output = at_card(monkeypatch, Card([0, -32, 0, 0], [3200]))
    with pytest.raises(BoardError, match="takes no sound"):
        output.write(SOUND[:1600], stay)


# -- players


def player(tmp_path: Path, body: str) -> str:
    """A program of that body; `path` in it is where the test looks."""
    script = tmp_path / "player.py"
    script.write_text(f"import sys, os, time\npath = {str(tmp_path / 'heard')!r}\nstdin = sys.stdin.buffer\n{body}\n")
    return f"{sys.executable} {shlex.quote(str(script))}"


READS = "open(path, 'wb').write(stdin.read())"


def through(command: str, sound: bytes = SOUND) -> PlayerOutput:
    output = PlayerOutput(command, RATE)
    try:
        for block in blocks(sound):
            output.write(block, stay)
        output.finish(stay)
    finally:
        output.stop()
    return output


def test_a_player_is_given_a_wav_or_with_its_rate_raw_samples(tmp_path: Path) -> None:
    output = through(player(tmp_path, READS))
    assert output.played() == len(SOUND) // 2
    heard = (tmp_path / "heard").read_bytes()
    assert heard == wav_header(RATE) + SOUND
    through(player(tmp_path, READS) + " {rate}")
    assert (tmp_path / "heard").read_bytes() == SOUND


def test_the_header_is_one_that_others_read(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav_header(16_000) + SOUND)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)


def test_a_player_that_reads_everything_at_once_has_not_played_it(tmp_path: Path) -> None:
    """It is given no more than half a second ahead, and no more counts as heard than time has passed."""
    output = PlayerOutput(player(tmp_path, READS), RATE)
    begun = time.monotonic()
    for block in blocks(SOUND * 3):  # 1.5 s
        output.write(block, stay)
        assert output.played() <= (time.monotonic() - begun) * RATE
    assert 0.8 < time.monotonic() - begun < 4
    assert len(SOUND) * 3 // 2 - output.played() > 0.2 * RATE
    output.stop()


def test_a_missing_player_says_what_to_do() -> None:
    with pytest.raises(BoardError, match="does not start") as caught:
        PlayerOutput("no-such-player-here -q", RATE)
    assert (caught.value.where, "--player" in caught.value.remedy) == ("no-such-player-here", True)


@pytest.mark.parametrize("text", ["", "  ", "'unclosed"])
def test_what_names_no_program_is_refused(text: str) -> None:
    with pytest.raises(BoardError, match="names no program"):
        player_command(text, RATE)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("stdin.read(3000); sys.stderr.write('no such card\\n'); sys.exit(3)", r"code 3; no such card"),
        ("sys.exit(1)", "code 1"),
        ("os.kill(os.getpid(), 9)", "signal 9"),
        ("stdin.read(); sys.exit(5)", "code 5"),
        ("sys.stderr.write('x' * 1000000); sys.exit(2)", "code 2"),
    ],
)
def test_a_player_that_dies_is_told_with_what_it_said(tmp_path: Path, body: str, why: str) -> None:
    with pytest.raises(BoardError, match=why):
        through(player(tmp_path, body), SOUND * 2)


def test_a_player_killed_in_the_middle_has_played_up_to_there(tmp_path: Path) -> None:
    output = PlayerOutput(player(tmp_path, READS), RATE)
    many = iter(blocks(SOUND * 10))
    for _ in range(8):
        output.write(next(many), stay)
    output._process.send_signal(signal.SIGTERM)
    with pytest.raises(BoardError, match="signal 15"):
        output.write(b"".join(many), stay)
    output.stop()
    assert 0 < output.played() <= 15 * RATE // 10


def test_who_leaves_a_player_that_takes_nothing_is_not_held(tmp_path: Path) -> None:
    output = PlayerOutput(player(tmp_path, "time.sleep(60)"), RATE)
    begun = time.monotonic()
    left = threading.Event()
    threading.Timer(0.5, left.set).start()
    for block in blocks(SOUND * 10):
        output.write(block, left.is_set)
        if left.is_set():
            break
    output.finish(left.is_set)
    output.stop()
    assert time.monotonic() - begun < 5
    assert output.played() == 0  # it has read nothing; the pipe holds it all
    assert output._process.returncode is not None


@pytest.mark.slow
def test_a_player_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "PATIENCE_S", 0.2)
    body = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); stdin.read(); time.sleep(60)"
    output = through(player(tmp_path, body))
    assert (output._process.returncode, output.played()) == (-9, len(SOUND) // 2)


def test_auto_takes_the_first_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BoardError, match="none of the players"):
        player_command("auto", RATE)
    for name in ("ffplay", "aplay"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert player_command("auto", 16_000) == (
        ["aplay", "-q", "-t", "raw", "-f", "S16_LE", "-r", "16000", "-c", "1", "-"],
        b"",
    )


@pytest.mark.parametrize("name", PLAYERS)
def test_a_bare_name_is_given_what_it_needs(name: str) -> None:
    arguments, header = player_command(name, RATE)
    assert (arguments[0], header, any(str(RATE) in one for one in arguments)) == (name, b"", True)


@alsa
def test_a_real_player_plays_it(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    if shutil.which("aplay") is None:
        pytest.skip("aplay is not installed")
    through("aplay -q -D out -t raw -f S16_LE -r {rate} -c 1 -")
    assert device.read_bytes()[: len(SOUND)] == SOUND  # it fills its last period with silence
    with pytest.raises(BoardError, match="ended before"):
        through("aplay -q -D no_such_device -t raw -f S16_LE -r {rate} -c 1 -", SOUND * 4)


def test_no_file_is_left_by_any_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    through(player(tmp_path, "stdin.read()"))
    assert sorted(os.listdir(tmp_path)) == ["player.py"]


@pytest.mark.parametrize(
    "device",
    [
        "file:FILE=/tmp/x.raw,FORMAT=raw",
        "tee:hw,/tmp/x.wav",
        "File:/tmp/x",
        "plug:{ type file }",
        "plughw:'x'",
        "pcm=x",
        "hw:/tmp/x",
    ],
)
def test_what_could_write_a_file_is_no_device(device: str) -> None:
    with pytest.raises(RefusedError, match=r"Article 8\(3\)"):
        AlsaOutput(device, RATE)


def test_devices_are_names_of_cards() -> None:
    for device in ("default", "hw:0,0", "plughw:CARD=PCH,DEV=0", "sysdefault:CARD=PCH", "pulse", "out"):
        refuse_definition(device)


def test_a_player_that_nobody_knows_is_known_as_that() -> None:
    assert [unknown_player(one) for one in ("auto", "aplay", "tee x.wav", "aplay -")] == [False, False, True, True]
