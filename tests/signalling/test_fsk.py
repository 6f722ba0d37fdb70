"""The gate and the demodulators: what is found, octet by octet, and what a line without FSK costs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.signalling_fsk import costs, heard, tallied
from tests.signalling.fsksource import BELL202, V23, Pcm, Sender, amplitude, line, noise, pcm, tone
from tsuwaroku.errors import ConfigError
from tsuwaroku.signalling import uart
from tsuwaroku.signalling.fsk import BLOCK, KEPT, LONGEST, FskGate, Stretch

OCTETS = bytes(range(0, 256, 5)) + b"\x00\xff\xc0\x03\xf0"


def on_line(sender: Sender, octets: bytes, *, snr_db: float = 20.0, lead: int = 4000) -> Pcm:
    sound = sender.sound(octets)
    samples = lead + len(sound) + 6000
    random = np.random.default_rng(len(octets))
    return pcm(line([(lead, sound)], samples) + noise(random, samples, sender.level_dbm0 - snr_db))


def values(octets: list[uart.Octet]) -> bytes:
    return bytes(one.value for one in octets)


def stretches(gate: FskGate, signal: Pcm, block: int = 1280) -> list[Stretch]:
    found = [each for at in range(0, len(signal), block) for each in gate.feed(at, signal[at : at + block])]
    return found + gate.flush()


@pytest.mark.parametrize("tones", [V23, BELL202])
@pytest.mark.parametrize("stop_bits", [1, 2, 4])
@pytest.mark.parametrize(("speed", "offset_hz"), [(1.0, 0.0), (0.98, -20.0), (1.02, 20.0)])
def test_both_demodulators_read_every_octet(
    tones: tuple[float, float], stop_bits: int, speed: float, offset_hz: float
) -> None:
    sender = Sender(tones=tones, stop_bits=stop_bits, speed=speed, offset_hz=offset_hz)
    signal = on_line(sender, OCTETS)
    (message,) = uart.messages(signal, 8000)
    # Noise after the last octet may look like some more.
    readings = [reading[: len(OCTETS)] for reading in message.readings]
    assert [values(reading) for reading in readings] == [OCTETS, OCTETS]
    assert message.tones == (uart.V23 if tones == V23 else uart.BELL202)
    assert all(one.framed for reading in readings for one in reading)
    first = (4000 + sender.marks * 8000 / 1200 / speed) / 8000
    assert message.block[0].at_s == pytest.approx(first, abs=0.0004)
    assert message.marks == pytest.approx(sender.marks / speed, abs=4)


def test_either_modulation_is_read_with_the_others_tones() -> None:
    for tones, told in ((V23, uart.BELL202), (BELL202, uart.V23)):
        (message,) = uart.messages(on_line(Sender(tones=tones), OCTETS), 8000, told)
        assert message.tones == told
        assert values(message.bits)[: len(OCTETS)] == OCTETS


def test_pauses_of_any_length_between_octets() -> None:
    """A sender whose pauses are no whole bits keeps to no grid; each start bit stands for itself."""
    random = np.random.default_rng(2)
    bit = 8000 / 1200
    tones, ends = [1300.0], [800.0]
    for octet in OCTETS:
        for level in (0, *(octet >> n & 1 for n in range(8))):
            tones.append(1300.0 if level else 2100.0)
            ends.append(ends[-1] + bit)
        tones.append(1300.0)
        ends.append(ends[-1] + bit * float(random.uniform(1, 6)))
    at = np.arange(int(ends[-1]))
    hz = np.array(tones)[np.searchsorted(ends, at, side="right")]
    whole = amplitude(-15.0) * np.sin(2 * np.pi * np.cumsum(hz) / 8000)
    (message,) = uart.messages(whole, 8000)
    assert values(message.bits)[: len(OCTETS)] == OCTETS


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_a_stretch_is_found_at_every_rate_and_holds_the_burst(rate: int) -> None:
    sender = Sender(rate=rate)
    sound = sender.sound(OCTETS)
    lead = rate // 2
    signal = pcm(line([(lead, sound)], lead + len(sound) + rate))
    (stretch,) = stretches(FskGate(rate), signal, rate * 160 // 1000)
    end = stretch.first_sample + len(stretch.pcm)
    assert stretch.first_sample <= lead
    assert end >= lead + len(sound)
    assert np.array_equal(stretch.pcm, signal[stretch.first_sample : end])
    (message,) = uart.messages(stretch.pcm, rate)
    assert values(message.block)[: len(OCTETS)] == OCTETS


@pytest.mark.parametrize("rate", [0, -8000, 11025, 44100])
def test_a_rate_that_cannot_be_searched_is_refused(rate: int) -> None:
    with pytest.raises(ConfigError, match="cannot be searched for caller ID"):
        FskGate(rate)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=40), st.integers(0, 1 << 40))
def test_how_sound_is_cut_into_blocks_changes_nothing(cuts: list[int], first: int) -> None:
    signal = on_line(Sender(), OCTETS)
    whole = [Stretch(one.first_sample + first, one.pcm, one.again) for one in FskGate(8000).feed(0, np.tile(signal, 2))]
    gate, at, found = FskGate(8000), 0, []
    tiled = np.tile(signal, 2)
    while at < len(tiled):
        size = cuts[at % len(cuts)]
        found += gate.feed(first + at, tiled[at : at + size])
        at += size
    told = [(one.first_sample, one.pcm.tobytes(), one.again) for one in found]
    assert told == [(one.first_sample, one.pcm.tobytes(), one.again) for one in whole]


def test_what_goes_on_is_cut_into_stretches_that_overlap() -> None:
    """A carrier without end never fills the memory."""
    random = np.random.default_rng(4)
    endless = Sender(marks=20).sound(bytes(random.integers(0, 256, 3000, np.uint8)))
    gate = FskGate(8000)
    found = stretches(gate, pcm(endless))
    assert [len(one.pcm) <= LONGEST * BLOCK for one in found] == [True] * len(found)
    assert [one.again for one in found] == [KEPT * BLOCK] * (len(found) - 1) + [0]
    for one, other in pairwise(found):
        assert other.first_sample == one.first_sample + len(one.pcm) - one.again
    assert not gate.open


def test_a_gap_ends_a_stretch_and_the_next_begins_after_it() -> None:
    signal = on_line(Sender(), OCTETS * 2)
    cut = 7000
    gate = FskGate(8000)
    before = gate.feed(0, signal[:cut]) + gate.lost(cut, 500)
    after = gate.feed(cut + 500, signal[cut + 500 :]) + gate.flush()
    assert [(one.first_sample + len(one.pcm) >= cut, one.again) for one in before] == [(True, 0)]
    assert [one.first_sample for one in after] == [cut + 500]
    # A jump in the numbers is a gap that nobody told of.
    jumped = FskGate(8000)
    told = [*jumped.feed(0, signal[:cut]), *jumped.feed(cut + 500, signal[cut + 500 :]), *jumped.flush()]
    assert [one.first_sample for one in told] == [one.first_sample for one in before + after]


@settings(deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from([0.001, 1.0, 3000.0, 1e6]), st.integers(0, 9000))
def test_no_sound_raises_and_none_of_it_is_a_number(seed: int, loud: float, samples: int) -> None:
    random = np.random.default_rng(seed)
    signal = np.cumsum(random.normal(0, 1, samples)) if seed % 3 == 0 else random.normal(0, 1, samples)
    signal = np.sign(signal) if seed % 5 == 0 else signal
    uart.messages(signal * loud, 8000)
    assert [one for one in heard(pcm(signal * loud)) if one.number] == []


@pytest.mark.parametrize("hz", [50, 400, 697, 1336, 1400, 1633, 2100, 2130, 2750])
def test_tones_of_the_network_are_no_message(hz: int) -> None:
    assert heard(pcm(tone(40000, float(hz), -10.0))) == []


def test_a_fax_is_no_message() -> None:
    """V.21 of a fax: 300 bits a second, 1650 and 1850 Hz."""
    random = np.random.default_rng(6)
    bits = np.repeat(random.integers(0, 2, 3000), 8000 // 300)
    signal = amplitude(-15.0) * np.sin(2 * np.pi * np.cumsum(np.where(bits == 1, 1650.0, 1850.0)) / 8000)
    assert heard(pcm(signal)) == []


def test_the_other_modulation_is_as_good() -> None:
    tally = tallied(5, Sender(tones=BELL202), 10, standard=None)
    assert (tally.right, tally.wrong) == (5, 0)


def test_a_line_without_fsk_costs_next_to_nothing() -> None:
    """Ten times the target, for other work may be on the machine; the bench has the figure."""
    (idle,) = costs()
    assert idle.median < 1.5
