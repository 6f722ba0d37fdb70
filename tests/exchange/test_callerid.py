"""Caller ID as it is sent: octets against vectors, sound against spandsp, and the sequence on the line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.exchange.spandsp import digits, messages
from tests.exchange.support import about, at_hertz, between, call_text, changes, dbm0, played, script_of
from tsuwaroku.clock import NS
from tsuwaroku.events import Contact
from tsuwaroku.exchange import frames
from tsuwaroku.exchange.callerid import CallerId
from tsuwaroku.exchange.impaired import GOOD, Impair
from tsuwaroku.exchange.modem import framed

VECTORS = json.loads((Path(__file__).parent / "jclip.json").read_text(encoding="utf-8"))
REASONS = {"P": "withheld", "C": "payphone", "O": "unavailable", "S": "service_conflict"}


def inbound(folder: Path, caller: str, *more: str) -> str:
    return call_text("inbound", f"caller_id = {{ {caller} }}", "talk = 3.0", *more)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_vectors_of_jclip(vector: dict[str, str | None]) -> None:
    octets = str(vector["octets"])
    caller = CallerId(
        standard="jclip",
        number=vector["caller"],
        absence=REASONS.get(vector["reason"] or ""),  # type: ignore[arg-type]
        called=vector["called"],
    )
    assert caller.frame().hex(" ").upper() == octets
    assert frames.kermit(bytes.fromhex(octets)[2:]) == 0  # over its own CRC too: nothing is left


def test_kermit_of_the_catalogue() -> None:
    assert frames.kermit(b"123456789") == 0x2189


def test_a_checksum_makes_the_whole_nought() -> None:
    assert [sum(frame) % 256 for frame in (frames.sdmf("04010900", "117"), frames.mdmf([(2, "117")]))] == [0, 0]


HEARD = {
    'standard = "jclip", number = "0312345678"': b"\x10\x01\x07\x10\x02@\x0c\x02\n0312345678\x10\x03",
    'standard = "jclip", number = "0312345678", name = "SHIMIN"': (
        b"\x10\x01\x07\x10\x02@\x14\x02\n0312345678\x07\x06SHIMIN\x10\x03"
    ),
    'standard = "jclip", absence = "withheld"': b"\x10\x01\x07\x10\x02@\x03\x04\x01P\x10\x03",
    'standard = "jclip", absence = "payphone"': b"\x10\x01\x07\x10\x02@\x03\x04\x01C\x10\x03",
    'standard = "jclip", absence = "unavailable"': b"\x10\x01\x07\x10\x02@\x03\x04\x01O\x10\x03",
    'standard = "jclip", absence = "service_conflict"': b"\x10\x01\x07\x10\x02@\x03\x04\x01S\x10\x03",
    f'standard = "jclip", octets = "{VECTORS[2]["octets"]}"': (
        b"\x10\x01\x07\x10\x02@\x13\x02\x0b09012345678\x09\x045678\x10\x03"
    ),
    'standard = "jclip", number = "117", mark_bits = 200, stop_bits = 1': (
        b"\x10\x01\x07\x10\x02@\x05\x02\x03117\x10\x03"
    ),
    'standard = "bellcore_sdmf", number = "0312345678"': b"\x04\x12040109000312345678",
    'standard = "bellcore_sdmf", absence = "unavailable"': b"\x04\x0904010900O",
    'standard = "bellcore_mdmf", number = "117", name = "SHIMIN", called = "5678"': (
        b"\x80\x1d\x01\x0804010900\x02\x03117\x03\x045678\x07\x06SHIMIN"
    ),
    'standard = "bellcore_mdmf", absence = "withheld", when = "before"': b"\x80\x0d\x01\x0804010900\x04\x01P",
    'standard = "etsi", number = "0312345678"': b"\x80\x16\x01\x0804010900\x02\n0312345678",
    'standard = "etsi", number = "0312345678", when = "before", date = "12312359"': (
        b"\x80\x16\x01\x0812312359\x02\n0312345678"
    ),
}


@pytest.mark.parametrize("caller", HEARD)
def test_spandsp_reads_what_is_played(tmp_path: Path, caller: str) -> None:
    script = script_of(tmp_path, inbound(tmp_path, caller))
    standard = caller.split('"')[1]
    assert messages(standard, played(script)) == [HEARD[caller]]


@pytest.mark.parametrize("standard", ["jclip", "bellcore_sdmf", "bellcore_mdmf", "etsi"])
@pytest.mark.parametrize("value", ['number = "0312345678"', 'absence = "withheld"'])
def test_a_corrupt_message_looks_good_but_for_its_sum(tmp_path: Path, standard: str, value: str) -> None:
    good, bad = (
        script_of(tmp_path, inbound(tmp_path, f'standard = "{standard}", {value}{more}'))
        for more in ("", ", corrupt = true")
    )
    sent = [script.timelines("1")[0].sent for script in (good, bad)]
    differing = [n for n, (a, b) in enumerate(zip(*sent, strict=True)) if a != b]
    assert len(differing) == 1
    assert (sent[0][differing[0]] ^ sent[1][differing[0]]).bit_count() == 2  # its parity is right
    assert messages(standard, played(bad)) == []


@pytest.mark.parametrize(
    ("caller", "keys"),
    [
        ('number = "0312345678"', "A0312345678C"),
        ('number = "0312345678", form = "A...#"', "A0312345678#"),
        ('number = "0312345678", form = "...#", when = "between"', "0312345678#"),
        ('number = "0312345678", form = "D...C"', "D0312345678C"),
        ('absence = "withheld"', "D1C"),
        ('absence = "unavailable"', "D2C"),
        ('number = "0312345678", corrupt = true', "A0312345678"),
    ],
)
def test_a_number_sent_by_keys(tmp_path: Path, caller: str, keys: str) -> None:
    script = script_of(tmp_path, inbound(tmp_path, f'standard = "dtmf", {caller}'))
    assert (script.timelines("1")[0].sent, digits(played(script))) == (keys.encode(), keys)


def test_ntts_double_answer(tmp_path: Path) -> None:
    """CAR 0.5/0.5 s, loop closed, data, loop open, ring 1/2 s, answer."""
    script = script_of(tmp_path, inbound(tmp_path, 'standard = "jclip", number = "0312345678"', "rings = 2"))
    call = script.timelines("1")[0]
    assert call.primary_ns is not None
    assert call.answered_ns is not None
    closed, opened, answered = (ns / NS for ns in (*call.primary_ns, call.answered_ns))
    ring = changes(call, Contact.RING)
    starts = [2.0, 2.5, 3.0, 3.5, *(opened + s for s in (1.0, 2.0, 4.0, 5.0))]
    assert [level for level, _ in ring] == [True, False] * 4
    assert [at for _, at in ring] == about(starts)
    assert [level for level, _ in changes(call, Contact.HOOK)] == [True, False, True, False]
    assert [at for _, at in changes(call, Contact.HOOK)] == about([closed, opened, answered, call.ended_ns / NS])
    pcm = played(script)
    data = between(pcm, closed + 0.3, opened - 0.2)
    assert dbm0(data) == about(-14.0, abs=0.2)
    # 75 bits of mark, 23 octets of 13 bits, and the 5 bits after them, at 1200 a second.
    assert data.size == about((75 + 23 * 13 + 5) / 1200 * 8000, abs=2)
    mark = between(pcm, closed + 0.3, closed + 0.35)
    assert (at_hertz(mark, 1300.0), at_hertz(mark, 2100.0) < -40) == (about(-14.0, abs=0.3), True)
    assert dbm0(between(pcm, opened - 0.15, opened + 0.95)) < -55


def test_nobody_gives_the_primary_answer(tmp_path: Path) -> None:
    script = script_of(tmp_path, inbound(tmp_path, 'standard = "jclip", number = "117", primary = false', "rings = 1"))
    call = script.timelines("1")[0]
    rings = changes(call, Contact.RING)
    assert [at for _, at in rings] == about([*(2.0 + 0.5 * n for n in range(12)), 8.0, 9.0])
    assert (call.sent, call.primary_ns, len(changes(call, Contact.HOOK))) == (b"", None, 2)
    assert messages("jclip", played(script)) == []


def test_a_primary_answer_without_data_is_the_answer(tmp_path: Path) -> None:
    script = script_of(tmp_path, inbound(tmp_path, 'standard = "jclip", number = "117", fsk = false'))
    call = script.timelines("1")[0]
    assert (call.answered_ns, call.ended_ns, call.sent) == (3_700_000_000, 6_700_000_000, b"")
    assert changes(call, Contact.HOOK) == [(True, 3.7), (False, 6.7)]
    assert [at for _, at in changes(call, Contact.RING)] == about([2.0, 2.5, 3.0, 3.5])
    assert messages("jclip", played(script)) == []


@pytest.mark.parametrize("rings", [0, 2])
def test_missed_with_the_number(tmp_path: Path, rings: int) -> None:
    caller = 'caller_id = { standard = "jclip", number = "0312345678" }'
    script = script_of(tmp_path, call_text("inbound", caller, f"rings = {rings}", "answer = false"))
    call = script.timelines("1")[0]
    assert call.primary_ns is not None
    opened = call.primary_ns[1] / NS
    assert [level for level, _ in changes(call, Contact.HOOK)] == [True, False]
    assert (call.answered_ns, call.ended_ns / NS) == (None, about(opened + (5.0 if rings else 0.0)))
    assert len(messages("jclip", played(script))) == 1


def test_bellcore_comes_between_the_first_two_rings(tmp_path: Path) -> None:
    caller = 'standard = "bellcore_mdmf", number = "0312345678"'
    script = script_of(tmp_path, inbound(tmp_path, caller, "rings = 2"))
    pcm = played(script)
    assert [at for _, at in changes(script.timelines("1")[0], Contact.RING)] == about([2.0, 3.0, 5.0, 6.0])
    assert changes(script.timelines("1")[0], Contact.HOOK)[0][1] == about(6.8)
    assert dbm0(between(pcm, 3.05, 3.45)) < -55
    # Channel seizure alternates between the two tones, so it is symmetric about their middle; then mark alone.
    mark = between(pcm, 3.5 + 300 / 1200 + 0.01, 3.5 + 480 / 1200 - 0.01)
    assert at_hertz(mark, 1200.0) == about(-14.0, abs=0.3)
    seizure = between(pcm, 3.51, 3.5 + 300 / 1200 - 0.01)
    assert abs(at_hertz(seizure, 1700.0 - 600.0) - at_hertz(seizure, 1700.0 + 600.0)) < 2.0
    assert dbm0(between(pcm, 4.6, 4.95)) < -55


def test_a_long_message_puts_off_the_second_ring(tmp_path: Path) -> None:
    caller = (
        'standard = "etsi", number = "01234567890123456789", name = "'
        + "N" * 40
        + '", seizure_bits = 600, stop_bits = 4'
    )
    script = script_of(tmp_path, inbound(tmp_path, caller, "rings = 2"))
    rings = [at for _, at in changes(script.timelines("1")[0], Contact.RING)]
    assert rings[2] > 5.0
    assert len(messages("etsi", played(script))) == 1


def test_a_waiting_call_says_who_it_is(tmp_path: Path) -> None:
    more = ("talk = 12.0", "waiting = [5.0]", 'waiting_id = { standard = "bellcore_mdmf", number = "0612345678" }')
    script = script_of(tmp_path, call_text("inbound", "rings = 1", *more))
    call = script.timelines("1")[0]
    assert call.answered_ns is not None
    pcm, at = played(script), call.answered_ns / NS + 5.0
    assert at_hertz(between(pcm, at, at + 0.5), 400.0) == about(-26.0, abs=0.5)  # half of it: modulated
    alert = between(pcm, at + 0.71, at + 0.77)
    assert [at_hertz(alert, hertz) for hertz in (2130.0, 2750.0)] == about([-19.0, -19.0], abs=0.7)
    assert digits(between(pcm, at + 0.8, at + 1.0).astype("<i2").tobytes()) == "D"
    assert messages("bellcore_mdmf", pcm) == [b"\x80\x16\x01\x0804010900\x02\n0612345678"]


def test_bits_are_as_on_a_wire() -> None:
    assert list(framed([0x01], 4, 2, 3)) == [0, 1, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("impair", [GOOD, Impair(speed_error=2.0, frequency_error=-1.5, twist_db=6.0, fsk_dbm0=-24.0)])
def test_the_wave_has_the_phase_of_its_bits(impair: Impair) -> None:
    """Never a jump; and each bit has the frequency and the level it should, to the fraction of a sample."""
    burst = CallerId(standard="jclip", number="0312345678").burst(0, impair)
    out = np.zeros(burst.end, dtype=np.float32)
    burst.add(out, 0)
    level = -14.0 if impair.fsk_dbm0 is None else impair.fsk_dbm0
    twist = impair.twist_db or 0.0
    peak = 32767 * 10 ** ((level + twist / 2 - 3.14) / 20)
    steepest = 2 * np.pi * 2100 * 1.02 / 8000 * peak
    assert np.max(np.abs(np.diff(out))) < steepest * 1.05 + 0.5 * peak * (twist > 0)
    mark = out[: int(75 / burst.baud * 8000)].astype(np.float64)
    assert at_hertz(mark, 1300.0 * impair.scale) == about(level - twist / 2, abs=0.1)
    assert burst.end == int(len(burst.bits) * 8000 / (1200.0 * impair.speed))


@pytest.mark.parametrize(
    "impair", ["frequency_error = 1.5", "speed_error = 2.0", "speed_error = -2.0", "fsk_dbm0 = -27.0"]
)
def test_spandsp_reads_it_from_a_worse_exchange(tmp_path: Path, impair: str) -> None:
    caller = 'standard = "jclip", number = "0312345678"'
    script = script_of(tmp_path, inbound(tmp_path, caller, f"impair = {{ {impair} }}"))
    assert len(messages("jclip", played(script))) == 1
