"""Lines that are not good, measured on what is rendered; and contacts that compare the line's voltage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.exchange.support import (
    MS,
    Signal,
    at_hertz,
    between,
    call_text,
    changes,
    dbm0,
    played,
    script_of,
    signal,
)
from tsuwaroku.events import Contact, ContactEdge
from tsuwaroku.exchange.impaired import END, GOOD, Impair, Noise, factor
from tsuwaroku.exchange.sensors import THRESHOLDS, Sensors

TALK = ("rings = 1", "talk = 8.0")
ANSWERED, ENDED = 3.8, 11.8


def line_text(*settings: str) -> str:
    return "\n".join(['[[line]]\nline = "1"', *settings]) + "\n"


def rendered(folder: Path, impair: str = "", line: str = "", *more: str) -> bytes:
    """Sound of one call of 8 s, and some seconds after it."""
    settings = line_text(f"impair = {{ {line} }}") if line else ""
    own = [f"impair = {{ {impair} }}"] if impair else []
    return played(script_of(folder, settings + call_text("inbound", *TALK, *own, *more)), 20.0)


def talk(pcm: bytes) -> Signal:
    return between(pcm, ANSWERED, ENDED)


def test_noise_of_a_call_and_of_a_line(tmp_path: Path) -> None:
    call, line = rendered(tmp_path, "noise_dbm0 = -35.0"), rendered(tmp_path, "", "noise_dbm0 = -35.0")
    assert [dbm0(between(pcm, 3.1, 3.7)) for pcm in (call, line)] == pytest.approx([-35.0, -35.0], abs=0.7)
    before_and_after = [dbm0(between(pcm, *at)) for pcm in (call, line) for at in ((0.0, 2.0), (14.0, 20.0))]
    assert before_and_after == pytest.approx([-60.0, -60.0, -35.0, -35.0], abs=0.5)


def test_noise_does_not_repeat_and_does_not_depend_on_the_pieces() -> None:
    noise = Noise(0, END, -30.0, 5)
    whole = np.zeros(40_000, dtype=np.float32)
    noise.add(whole, 123)
    for first, size in ((123, 1), (7_999, 2), (20_000, 16_000)):
        part = np.zeros(size, dtype=np.float32)
        noise.add(part, first)
        assert np.array_equal(part, whole[first - 123 : first - 123 + size])
    seconds = {whole[n : n + 8000].tobytes() for n in range(7_877, 32_000, 8000)}
    assert len(seconds) == 4


@pytest.mark.parametrize(("extra", "hertz"), [("", 50.0), (", hum_hz = 60.0", 60.0)])
def test_hum(tmp_path: Path, extra: str, hertz: float) -> None:
    pcm = rendered(tmp_path, "", f"hum_dbm0 = -25.0{extra}")
    for part in (between(pcm, 0.0, 2.0), between(pcm, 15.0, 19.0)):
        assert [at_hertz(part, n * hertz) for n in (1, 3)] == pytest.approx([-25.0, -45.0], abs=0.3)


def test_echo_is_everything_again_later_and_softer(tmp_path: Path) -> None:
    good, echoing = talk(rendered(tmp_path)), talk(rendered(tmp_path, "echo_ms = 60.0, echo_db = -12.0"))
    added = (echoing - good)[480:]
    expected = good[:-480] * factor(-12.0)
    assert np.max(np.abs(added - expected)) < factor(-12.0) * 150 + 2  # but for the line's noise, which has no echo
    assert np.std(added) > 50


def test_echo_of_the_last_word_is_still_heard(tmp_path: Path) -> None:
    text = call_text(
        "outbound", 'dial = "1"', "answer = false", "rings = 1", "impair = { echo_ms = 400.0, echo_db = -6.0 }"
    )
    script = script_of(tmp_path, text)
    ended = script.timelines("1")[0].ended_ns / 1e9
    pcm = played(script, ended + 2)
    assert dbm0(between(pcm, ended + 0.05, ended + 0.35)) == pytest.approx(-26.0 - 4.2, abs=1.0)
    assert dbm0(between(pcm, ended + 0.45, ended + 1.0)) < -55


def test_gain_and_clipping(tmp_path: Path) -> None:
    good, loud = rendered(tmp_path), rendered(tmp_path, "gain_db = 12.0, clip_dbm0 = -6.0")
    peak = 32767 * 10 ** ((-6.0 - 3.14) / 20)
    assert np.max(np.abs(talk(loud))) == pytest.approx(peak, abs=150)
    clipped = np.abs(talk(loud)) > peak - 150
    assert 0.005 < np.mean(clipped) < 0.5
    assert np.mean(np.abs(talk(good)) > peak - 150) < 0.005
    assert dbm0(between(loud, 3.1, 3.7)) < -55  # the line's noise is not amplified


@pytest.mark.parametrize("party", ["near", "far"])
def test_one_party_too_low(tmp_path: Path, party: str) -> None:
    """What is missing is that voice alone; nothing else changes."""
    good, low = talk(rendered(tmp_path)), talk(rendered(tmp_path, f"{party}_db = -30.0"))
    missing = good - low
    syllables = missing.reshape(-1, 160)
    loud = [dbm0(part) for part in syllables if np.any(np.abs(part) > 20)]
    wanted = -16.0 if party == "near" else -28.0
    assert np.percentile(loud, 75) == pytest.approx(wanted, abs=4.0)
    untouched = [n for n, part in enumerate(syllables) if not np.any(part)]
    assert 0.2 < len(untouched) / len(syllables) < 0.9


def test_a_dead_channel_is_dead_and_its_contacts_are_not(tmp_path: Path) -> None:
    whole, call = rendered(tmp_path, "", "dead = true"), rendered(tmp_path, "dead = true")
    assert not any(whole)
    zeros = np.flatnonzero(np.diff(np.concatenate(([0], signal(call) == 0, [0])).astype(int)))
    longest = max(zip(zeros[::2], zeros[1::2], strict=True), key=lambda run: run[1] - run[0])
    assert longest[0] == pytest.approx(2.0 * 8000, abs=2)
    assert longest[1] == pytest.approx(ENDED * 8000, abs=100)
    text = line_text("impair = { dead = true }") + call_text("inbound", *TALK)
    assert [at for _, at in changes(script_of(tmp_path, text).timelines("1")[0], Contact.HOOK)] == [ANSWERED, ENDED]


def test_recordings_take_gain_and_echo_like_voices(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "far.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        tone = 8000 * np.sin(2 * np.pi * 1000 / 8000 * np.arange(64_000))
        file.writeframes(tone.astype("<i2").tobytes())
    pcm = rendered(tmp_path, "far_db = -6.0, near_db = -60.0", "", 'far = "far.wav"')
    wanted = 20 * np.log10(8000 / 32767) + 3.14 - 6.0
    assert at_hertz(between(pcm, 5.0, 7.0), 1000.0) == pytest.approx(wanted, abs=0.1)


def test_a_calls_impairments_go_over_the_lines() -> None:
    line = Impair(noise_dbm0=-40.0, echo_ms=30.0, tone_dbm0=-25.0, dead=True)
    assert Impair(tone_dbm0=-12.0, twist_db=0.0).over(line) == Impair(echo_ms=30.0, tone_dbm0=-12.0, twist_db=0.0)
    assert GOOD.over(GOOD) == GOOD


def test_the_same_script_gives_the_same_octets(tmp_path: Path) -> None:
    text = line_text("impair = { noise_dbm0 = -45.0, hum_dbm0 = -40.0 }") + call_text(
        "inbound",
        'caller_id = { standard = "jclip", number = "0312345678" }',
        "talk = 9.0",
        "impair = { echo_ms = 80.0, gain_db = 6.0, clip_dbm0 = -3.0, twist_db = 4.0 }",
        'far_dtmf = [[5.0, "42"]]',
    )
    script = script_of(tmp_path, text)
    whole = played(script, 22.0)
    assert whole == played(script_of(tmp_path, text), 22.0)
    pieces = script.sources()[0]
    assert whole == b"".join(pieces.read(first, 160) or b"" for first in range(0, 22 * 8000, 160))
    middle = script.sources()[0]  # a board that joins in the middle of the stream
    assert middle.read(13 * 8000 + 77, 8000) == whole[2 * (13 * 8000 + 77) :][:16_000]


# --- contacts that compare voltages


def edges(script_text: str, folder: Path) -> list[ContactEdge]:
    events = script_of(folder, script_text).sources()[0].events(0, 10**12)
    return [event for event in events if isinstance(event, ContactEdge)]


@pytest.mark.parametrize(("feed", "pulses"), [(48, 1), (24, 2)])
def test_ringing_pulses_the_contact_as_often_as_the_feed_lets_it(tmp_path: Path, feed: int, pulses: int) -> None:
    """16 cycles in a ring of a second; active 12 to 28 ms a cycle in all, the hook up to 10 ms each half cycle."""
    found = edges(line_text(f"feed = {feed}") + call_text("inbound", *TALK), tmp_path)
    ring = [edge for edge in found if edge.contact is Contact.RING]
    assert [edge.active for edge in ring] == [True, False] * (16 * pulses)
    lengths = [(off.mono_ns - on.mono_ns) / MS for on, off in zip(ring[::2], ring[1::2], strict=True)]
    assert 12 <= sum(lengths) / 16 <= 45
    flicker = [edge for edge in found if edge.contact is Contact.HOOK and edge.mono_ns < 3_100 * MS]
    assert len(flicker) == 2 * 32
    longest = max((off.mono_ns - on.mono_ns) / MS for on, off in zip(flicker[::2], flicker[1::2], strict=True))
    assert 1.0 < longest < 10.0
    rest = [edge for edge in found if edge.mono_ns > 3_100 * MS]
    assert changes(list(rest), Contact.HOOK) == [(True, ANSWERED), (False, ENDED)]


@pytest.mark.parametrize(
    ("setting", "hook"),
    [
        ("feed = 24\nhook_volts = 31.0", [(True, 0.0)]),  # a threshold for 48 V: off-hook for ever
        ("feed = 0", [(True, 0.0)]),  # a dead pair
        ("feed = 48\nloop_volts = 33.0", []),  # a long line: off-hook is never seen
        ("feed = 48", [(True, ANSWERED), (False, ENDED)]),
        ("feed = 24", [(True, ANSWERED), (False, ENDED)]),
    ],
)
def test_what_a_threshold_makes_of_a_call(tmp_path: Path, setting: str, hook: list[tuple[bool, float]]) -> None:
    found = edges(line_text(setting) + call_text("inbound", *TALK), tmp_path)
    at_rest = [edge for edge in found if not 2_000 * MS <= edge.mono_ns <= 3_000 * MS]
    assert changes(list(at_rest), Contact.HOOK) == hook


def test_the_feed_is_not_in_the_sound(tmp_path: Path) -> None:
    pcm = {played(script_of(tmp_path, line_text(f"feed = {v}") + call_text("inbound", *TALK)), 15.0) for v in (24, 48)}
    assert len(pcm) == 1


def test_thresholds_by_feed(tmp_path: Path) -> None:
    found = [
        script_of(tmp_path, line_text(f"feed = {v}") + call_text("inbound", *TALK)).timelines("1")[0].plan.sensors
        for v in (24, 48)
    ]
    assert found == [Sensors(v, *THRESHOLDS[v]) for v in (24, 48)]
