"""Caller ID by FSK, from a line's sound: the gate, the demodulators, and the framers, tied together."""

from __future__ import annotations

from statistics import median

import msgspec
import numpy as np
import numpy.typing as npt

from tsuwaroku.signalling import uart
from tsuwaroku.signalling.callerid import bellcore, jclip
from tsuwaroku.signalling.callerid.model import CallerId, Found, unreadable
from tsuwaroku.signalling.fsk import FskGate, Stretch
from tsuwaroku.signalling.uart import BAUD, BITS, Message, Octet, Tones

# So many octets in a row, each bit this clear, are no speech and no fax: somebody sent something.
PLAIN, PLAIN_MARGIN = 8, 0.25
THESE_TONES = 0.2  # median margin of a message's bits: 0.3 in much noise, 0.1 where the tones are others


class CallerIdReceiver:
    """A line's sound in, what its exchange said of numbers out. It may be fed all the time, in calls too.

    A result comes 0.1 to 0.7 s after its frame. State is bounded (the gate's); nothing raises, whatever the sound.
    """

    def __init__(self, rate: int, tones: Tones | None = None) -> None:
        """`tones`: None takes each message's for what they are. Raises ConfigError for a rate the gate refuses."""
        self._rate = rate
        self._tones = tones
        self._gate = FskGate(rate)
        self._told = 0  # the stream's sample up to which frames were told

    @property
    def busy(self) -> bool:
        """A transmission may be going on."""
        return self._gate.open

    def feed(self, first_sample: int, pcm: npt.NDArray[np.int16]) -> list[CallerId]:
        """Sound from the stream's `first_sample` on. A jump in it is a gap."""
        found = self._gate.feed(first_sample, pcm)
        return self._read(found) if found else []

    def lost(self, first_sample: int, samples: int) -> list[CallerId]:
        """`samples` from `first_sample` on are missing. A frame that was whole before is told."""
        return self._read(self._gate.lost(first_sample, samples))

    def flush(self) -> list[CallerId]:
        """What there is, now: at the end of a call, or of listening."""
        return self._read(self._gate.flush())

    def _read(self, stretches: list[Stretch]) -> list[CallerId]:
        return [caller for stretch in stretches for caller in self._stretch(stretch)]

    def _stretch(self, stretch: Stretch) -> list[CallerId]:
        told: list[CallerId] = []
        end = stretch.first_sample + len(stretch.pcm)
        for message in uart.messages(stretch.pcm, self._rate, self._tones):
            for caller, at_s, until_s in read(message):
                first = stretch.first_sample + round(at_s * self._rate)
                if first < self._told or (caller.crc_ok is not True and first >= end - stretch.again):
                    continue  # told before; or the next stretch has all of it
                self._told = stretch.first_sample + round(until_s * self._rate)
                told.append(msgspec.structs.replace(caller, first_sample=first))
        return told


def read(message: Message) -> list[tuple[CallerId, float, float]]:
    """What a message says, and from when to when, in seconds from the stretch's start.

    Both demodulators' octets are looked at; where a check value holds for both and they differ, neither is believed.
    """
    found = [(reading, each) for reading in message.readings if (each := _find(message, reading)) is not None]
    certain = [one for one in found if one[1].certain]
    if len({_said(one) for _, one in certain}) > 1:
        reading, one = next(each for each in certain if each[1].caller is not None)
        caller = one.caller
        return [] if caller is None else [_timed(reading, one, unreadable(caller.standard, caller.raw))]
    for reading, one in certain or found:
        return [] if one.caller is None else [_timed(reading, one, one.caller)]
    return _plain(message.bits)


def _said(one: Found) -> tuple[str | None, ...]:
    caller = one.caller
    return () if caller is None else (caller.number, caller.called, caller.name, caller.absence)


def _find(message: Message, reading: list[Octet]) -> Found | None:
    octets = bytes(one.value for one in reading)
    other = message.bits if reading is message.block else message.block
    found = jclip.find(octets)
    if found is not None:
        return found
    found = bellcore.find(reading, message.tones, bytes(one.value for one in other))
    # One octet is soon like theirs: a damaged frame has to be clearly of these two tones, and no fax.
    clear = median(one.margin for one in message.bits) >= THESE_TONES
    return found if found is not None and (found.certain or clear) else None


def _timed(reading: list[Octet], one: Found, caller: CallerId) -> tuple[CallerId, float, float]:
    return caller, reading[one.begin].at_s, reading[one.end - 1].at_s + BITS / BAUD


def _plain(octets: list[Octet]) -> list[tuple[CallerId, float, float]]:
    """Octets in no frame that we know, if there is no doubt that they are octets."""
    run = 0
    for one in octets:
        run = run + 1 if one.framed and one.margin >= PLAIN_MARGIN else 0
        if run == PLAIN:
            whole = Found(0, len(octets), None)
            return [_timed(octets, whole, unreadable("fsk", bytes(each.value for each in octets)))]
    return []
