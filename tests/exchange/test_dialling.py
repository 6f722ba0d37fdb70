"""Calls that are placed: tones of city and PBX, keys and pulses, flashes, failures, and how calls end by tone."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.exchange.spandsp import digits
from tests.exchange.support import (
    about,
    at_hertz,
    between,
    cadence,
    call_text,
    changes,
    dbm0,
    played,
    script_of,
    signal,
    wav_bytes,
)
from tsuwaroku.clock import NS
from tsuwaroku.events import Contact
from tsuwaroku.exchange import tables
from tsuwaroku.exchange.timeline import Timeline


def placed(folder: Path, *more: str) -> tuple[Timeline, bytes]:
    script = script_of(folder, call_text("outbound", *more))
    return script.timelines("1")[0], played(script)


def pulsed(call: Timeline, pause_s: float) -> str:
    """The digits that the hook's breaks make."""
    hook = changes(call, Contact.HOOK)[1:-1]
    makes = [later - at for (level, at), (_, later) in pairwise(hook) if level]
    text = "".join("." if make < pause_s else ". " for make in [*makes, 9.0])
    return "".join(str(len(digit) % 10) for digit in text.split())


@pytest.mark.parametrize("dial", ["0312345678", "117", "*#06#"])
def test_keys_are_heard_by_spandsp(tmp_path: Path, dial: str) -> None:
    assert digits(played_call(tmp_path, f'dial = "{dial}"')) == dial


def played_call(folder: Path, *more: str) -> bytes:
    return placed(folder, *more)[1]


@pytest.mark.parametrize("twist", [0.0, 5.0])
@pytest.mark.parametrize("error", [-1.5, -1.0, 1.0, 1.5])
def test_keys_at_the_legal_limits(tmp_path: Path, twist: float, error: float) -> None:
    """Facts: ±1.5 %, the high tone 0 to 5 dB above, on 50 ms, pause 30 ms, down to -24 dBm."""
    impair = f"impair = {{ twist_db = {twist}, frequency_error = {error}, dtmf_dbm0 = -24.0 }}"
    pcm = played_call(tmp_path, 'dial = "1470369"', "keypad = { on_ms = 50.0, pause_ms = 70.0 }", impair)
    if abs(error) < 1.5:  # where both tones are 1.5 % off, spandsp misses some
        assert digits(pcm) == "1470369"
    first = between(pcm, 3.502, 3.548)
    found = [at_hertz(first, hertz * (1 + error / 100)) for hertz in (697.0, 1209.0)]
    assert found == about([-24.0, -24.0 + twist], abs=0.5)


@pytest.mark.parametrize("dialling", ["pulse10", "pulse20"])
@pytest.mark.parametrize(("rate", "make"), [(0.0, 0.0), (-1.0, 0.0), (1.0, 0.0), (0.0, 0.28), (0.0, 0.39)])
def test_pulses_over_the_legal_range(tmp_path: Path, dialling: str, rate: float, make: float) -> None:
    """At the limits of speed, or of make, with jitter and bounce: every length is as the facts allow, and the digits
    are those dialled."""
    nominal, spread = (10.0, 1.0) if dialling == "pulse10" else (20.0, 1.6)
    ratio = make or 0.34
    table = f"pulse = {{ rate = {nominal + rate * spread}, make = {ratio}, jitter_ms = 2.0, bounce_ms = 1.5 }}"
    call, _ = placed(tmp_path, 'dial = "1234567890"', f'dialling = "{dialling}"', table)
    hook = changes(call, Contact.HOOK, 4.0)[1:-1]
    assert len(hook) == 2 * 55
    lengths = np.diff([at for _, at in hook])
    period = 1 / (nominal + rate * spread)
    assert lengths[0::2] == about(np.full(55, period * (1 - ratio)), abs=0.0041)
    assert pulsed(call, 0.3) == "1234567890"


def test_pulses_at_their_nominal_speed_stay_within_the_facts_with_jitter(tmp_path: Path) -> None:
    for dialling, shortest, longest in (("pulse10", 52.7, 77.8), ("pulse20", 29.6, 38.0)):
        table = f"pulse = {{ make = {0.34 if dialling == 'pulse10' else 0.325}, jitter_ms = 1.0 }}"
        call, _ = placed(tmp_path, 'dial = "909"', f'dialling = "{dialling}"', table)
        breaks = np.diff([at for _, at in changes(call, Contact.HOOK, 4.0)[1:-1]])[0::2] * 1000
        assert (shortest <= breaks.min(), breaks.max() <= longest) == (True, True)
        assert len(set(breaks.round(3))) > 10


def test_a_pbx_has_tones_of_its_own(tmp_path: Path) -> None:
    """An internal dial tone 0.25/0.25 s, 0 for a line, the city's dial tone, digits, ring-back without a beat."""
    pbx = 'pbx = { dial_tone = "internal", outside = "0", ring_back = "plain_ring_back" }'
    pcm = played_call(tmp_path, 'dial = "117"', pbx)
    assert digits(pcm) == "0117"
    assert cadence(between(pcm, 2.3, 3.5)) == [(True, 0.25), (False, 0.25)] * 2 + [(True, 0.2)]
    assert cadence(between(pcm, 4.0, 5.0)) == [(True, 1.0)]
    assert dbm0(between(pcm, 4.0, 5.0)) == about(-20.0, abs=0.1)
    ring_back = between(pcm, 6.6, 7.6)
    assert dbm0(ring_back) == about(-20.0, abs=0.1)
    assert np.abs(ring_back).reshape(-1, 40).max(axis=1).min() > 2000  # it does not beat


def test_a_line_can_be_set_for_all_its_calls(tmp_path: Path) -> None:
    setting = '[[line]]\nline = "1"\npbx = { dial_tone = "internal", outside = "0" }\nimpair = { tone_dbm0 = -30.0 }\n'
    calls = call_text(
        "outbound", 'dial = "117"', "talk = 2.0", 'pbx = { outside = "9" }', "impair = { twist_db = 4.0 }"
    )
    plan = script_of(tmp_path, setting + calls).timelines("1")[0].plan
    assert (plan.pbx.dial_tone, plan.pbx.outside, plan.pbx.ring_back) == ("internal", "9", None)
    assert (plan.impair.tone_dbm0, plan.impair.twist_db) == (-30.0, 4.0)


@pytest.mark.parametrize("error", [-5.0, 5.0])
def test_ring_back_beats_at_16_hz_for_1_of_3_seconds(tmp_path: Path, error: float) -> None:
    impair = f"impair = {{ frequency_error = {error}, speed_error = {error}, tone_dbm0 = -15.0 }}"
    call, pcm = placed(tmp_path, 'dial = "1"', "rings = 2", impair, "answer = false")
    begun, speed = 2.0 + 1.5 + 0.2 + 1.0, 1 + error / 100
    assert call.ended_ns / NS == about(begun + 4.0 / speed)
    tone = between(pcm, begun, begun + 0.9)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(tone.size), 80_000))
    strongest = np.argsort(spectrum)[::-1][0] / 10
    assert strongest == about(400 * speed, abs=1.0)
    sidebands = [at_hertz(tone, (400 + beat) * speed) for beat in (-16, 16)]
    assert sidebands == about([-15.0 - 12.0] * 2, abs=0.6)  # a quarter of the peak each
    # A modulated tone starts and ends at nothing, so a beat or so of its length is not loud.
    frames = between(pcm, begun, begun + 4.5).reshape(-1, 80)
    on = [at / 100 for at, part in enumerate(frames) if dbm0(part + 1e-9) > -45]
    assert [on[0], on[-1] + 0.01] == about([0.0, 4.0 / speed], abs=0.03)
    assert not [at for at in on if 1 / speed + 0.01 < at < 3 / speed - 0.01]


def test_the_number_called_is_busy(tmp_path: Path) -> None:
    call, pcm = placed(tmp_path, 'dial = "117"', "rings = 0", "answer = false", 'end_tones = [["busy", 3.0]]')
    begun = 2.0 + 1.5 + 0.6 + 1.0
    assert (call.answered_ns, call.ended_ns / NS) == (None, about(begun + 3.0))
    busy = between(pcm, begun, begun + 3.0)
    assert cadence(busy) == [(True, 0.5), (False, 0.5)] * 3
    assert at_hertz(busy[:4000], 400.0) == about(-20.0, abs=0.1)
    assert changes(call, Contact.HOOK) == [(True, 2.0), (False, about(begun + 3.0))]


def test_lifted_and_nothing_dialled(tmp_path: Path) -> None:
    call, pcm = placed(tmp_path, "answer = false", 'end_tones = [["dial", 6.0], ["howler", 5.0]]')
    assert changes(call, Contact.HOOK) == [(True, 2.0), (False, about(13.3))]
    assert cadence(between(pcm, 2.3, 8.3)) == [(True, 6.0)]
    assert [dbm0(between(pcm, a, b)) for a, b in ((2.3, 8.3), (8.4, 13.2))] == about([-20.0, -12.2], abs=0.2)


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_the_other_end_hangs_up_first(tmp_path: Path, direction: str) -> None:
    """Busy tone, then howler, and only then the receiver is put down; voices end where the talk does."""
    dial = ['dial = "117"'] if direction == "outbound" else []
    text = call_text(direction, *dial, "talk = 5.0", 'end_tones = [["busy", 4.0], ["silence", 1.0], ["howler", 2.0]]')
    script = script_of(tmp_path, text)
    call, pcm = script.timelines("1")[0], played(script)
    assert call.talked_ns is not None
    talked = call.talked_ns / NS
    assert call.ended_ns / NS == about(talked + 7.3)
    assert changes(call, Contact.HOOK)[-1] == (False, about(talked + 7.3))
    assert dbm0(between(pcm, talked + 0.01, talked + 0.29)) < -55
    assert cadence(between(pcm, talked + 0.3, talked + 5.3)) == [(True, 0.5), (False, 0.5)] * 3 + [
        (True, 0.5),
        (False, 1.5),
    ]
    assert dbm0(between(pcm, talked + 5.4, talked + 7.2)) > -14


@pytest.mark.parametrize("stuck", ["on", "off"])
def test_a_hook_sensor_that_is_stuck(tmp_path: Path, stuck: str) -> None:
    more = ("talk = 4.0", 'end_tones = [["busy", 5.0]]', f'stuck_hook = "{stuck}"')
    script = script_of(tmp_path, call_text("inbound", *more))
    call = script.timelines("1")[0]
    assert changes(call, Contact.HOOK) == ([(True, 6.0 + 0.8)] if stuck == "off" else [])
    assert len(changes(call, Contact.RING)) == 4
    assert call.ended_ns == call.last_ns == 16_100_000_000


def test_a_call_with_no_edge_at_all(tmp_path: Path) -> None:
    call = script_of(tmp_path, call_text("outbound", 'dial = "5"', "talk = 4.0", 'stuck_hook = "on"')).timelines("1")[0]
    assert (call.events, call.last_ns) == ((), call.ended_ns)


@pytest.mark.parametrize("dialling", ["dtmf", "pulse10"])
def test_flash_and_dial_in_the_call(tmp_path: Path, dialling: str) -> None:
    """Hold and transfer: a flash, the PBX's dial tone, a colleague's number, his ring-back, and talk again."""
    more = ("talk = 30.0", "flash = [5.0, 20.0]", 'flash_dial = ["5678"]', f'dialling = "{dialling}"')
    script = script_of(tmp_path, call_text("inbound", *more, 'pbx = { dial_tone = "internal" }'))
    call, pcm = script.timelines("1")[0], played(script)
    flash = 6.8 + 5.0
    hook = changes(call, Contact.HOOK)
    assert hook[1:3] == [(False, about(flash)), (True, about(flash + 0.6))]
    assert hook[-3:] == [(False, about(26.8)), (True, about(27.4)), (False, about(36.8))]
    assert cadence(between(pcm, flash + 0.9, flash + 2.1)) == [(True, 0.25), (False, 0.25)] * 2 + [(True, 0.2)]
    if dialling == "dtmf":
        assert digits(between(pcm, flash + 2.1, flash + 3.0).astype("<i2").tobytes()) == "5678"
        assert at_hertz(between(pcm, flash + 3.9, flash + 4.9), 400.0) == about(-26.0, abs=0.5)
    else:
        breaks = [at for level, at in hook if not level and flash + 1.0 < at < 26.0]
        assert len(breaks) == 5 + 6 + 7 + 8


def test_redial_after_a_flash(tmp_path: Path) -> None:
    call, pcm = placed(tmp_path, 'dial = "0399"', 'redial = "0312345678"')
    assert digits(pcm) == "03990312345678"
    flash = 2.0 + 1.5 + 0.8 + 0.8
    assert changes(call, Contact.HOOK)[1:3] == [(False, about(flash)), (True, about(flash + 0.6))]


def test_keys_of_both_ends_in_the_talk(tmp_path: Path) -> None:
    """The clerk answers a menu; a citizen's telephone sends keys: 12 dB below."""
    more = ("talk = 20.0", 'keys = [[5.0, "12#"]]', 'far_dtmf = [[9.0, "7"], [10.0, "8A"]]')
    pcm = played_call(tmp_path, 'dial = "117"', "rings = 0", *more)
    answered = 2.0 + 1.5 + 0.6 + 1.0 + 0.8
    heard = [
        digits(between(pcm, answered + a, answered + b).astype("<i2").tobytes()) for a, b in ((4.9, 5.7), (8.9, 10.5))
    ]
    assert heard == ["12#", "78A"]
    near, far = (between(pcm, answered + a, answered + a + 0.1) for a in (5.0, 9.0))
    assert at_hertz(near, 697.0) - at_hertz(far, 852.0) == about(12.0, abs=0.5)


def test_breaks_of_any_length(tmp_path: Path) -> None:
    script = script_of(tmp_path, call_text("inbound", "talk = 20.0", "breaks = [[4.0, 0.02], [6.0, 0.2], [8.0, 1.2]]"))
    hook = changes(script.timelines("1")[0], Contact.HOOK)[1:-1]
    assert [(level, round(at - 6.8, 6)) for level, at in hook] == [
        (False, 4.0),
        (True, 4.02),
        (False, 6.0),
        (True, 6.2),
        (False, 8.0),
        (True, 9.2),
    ]


def test_the_waiting_tone(tmp_path: Path) -> None:
    script = script_of(tmp_path, call_text("inbound", "talk = 20.0", "waiting = [8.0]"))
    tone = between(played(script), 14.8, 15.3)
    envelope = np.abs(tone).reshape(-1, 40).max(axis=1)
    beats = np.abs(np.fft.rfft(envelope - envelope.mean(), 400))
    assert (at_hertz(tone, 400.0), np.argmax(beats) / 2) == (
        about(-26.0, abs=0.5),
        about(16.0, abs=1.0),
    )


def test_a_tone_of_an_hour_is_made_a_second_at_a_time(tmp_path: Path) -> None:
    text = call_text("outbound", "answer = false", 'end_tones = [["busy", 3600.0]]')
    source = script_of(tmp_path, text).sources()[0]
    late = signal(source.read(3000 * 8000, 8000) or b"")  # it began at 2.3 s
    assert cadence(late) == [(False, 0.3), (True, 0.5), (False, 0.2)]


def test_every_key_of_the_format_is_in_the_manual() -> None:
    manual = (Path(tables.__file__).parent / "SCRIPT.md").read_text(encoding="utf-8")
    structs: list[type[msgspec.Struct]] = [tables.CallTable, tables.LineTable, tables.RawTable, *tables.INNER.values()]
    keys = {name for struct in structs for name in struct.__struct_fields__}
    named = {word for code in re.findall(r"`([^`\n]+)`", manual) for word in re.findall(r"[a-z0-9_]+", code)}
    assert keys - named == set()


def test_the_examples_of_the_manual_load(tmp_path: Path) -> None:
    manual = (Path(tables.__file__).parent / "SCRIPT.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    (tmp_path / "pair.wav").write_bytes(wav_bytes())
    (tmp_path / "citizen.wav").write_bytes(wav_bytes())
    assert [bool(script_of(tmp_path, example).lines) for example in examples] == [True] * len(examples) != []
