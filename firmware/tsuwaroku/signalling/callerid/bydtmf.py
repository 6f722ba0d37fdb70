"""Caller ID by DTMF, sent to the terminal before or between the rings: A…C, A…#, D…C, D…#, B…C, and …# alone.

A begins the caller's number, D a number that redirected the call (and stands for the caller where there is no A),
B a code in place of a number: 00 none to give, 10 withheld. D1#, D2# and D3# are codes, too. There is no check value:
what stands for one is that the sequence is whole, from start key to end key, without a gap or a pause. Which digits are
offered here is for whoever calls to decide: those of an on-hook line, for what people dial looks the same.
"""

from __future__ import annotations

import re

from tsuwaroku.signalling.callerid.model import Absence, CallerId, unreadable

STARTS = "ABD"
ENDS = "C#"
LONGEST = 48  # keys
PAUSE_S = 0.6  # between the beginnings of two keys; senders take 0.1 to 0.2 s
CODES = {"00": Absence.UNAVAILABLE, "10": Absence.WITHHELD}
SHORT_CODES = {"D1#": Absence.WITHHELD, "D2#": Absence.UNAVAILABLE, "D3#": Absence.UNAVAILABLE}
_PARTS = re.compile(r"(?:([ABD])([0-9]+))+")
_PART = re.compile(r"([ABD])([0-9]+)")


class DtmfCallerId:
    """Keys in, in order, what they say out. At most LONGEST keys are held."""

    def __init__(self, rate: int, *, bare: bool = True) -> None:
        """`rate`: samples per second. `bare`: digits and # are a number even without a start key."""
        self._pause = round(PAUSE_S * rate)
        self._bare = bare
        self._keys = ""
        self._first = 0
        self._last = 0

    def digit(self, key: str, first_sample: int) -> list[CallerId]:
        """A key (0-9, A-D, *, #) that began at the stream's `first_sample`."""
        done = self.tick(first_sample)
        if not self._keys:
            if key not in (*STARTS, *("0123456789" if self._bare else "")):
                return done
            self._first = first_sample
        self._keys += key
        self._last = first_sample
        if key in ENDS or len(self._keys) >= LONGEST:
            done += self._done(read(self._keys))
        return done

    def tick(self, sample: int) -> list[CallerId]:
        """The stream has come to `sample`: a sequence that paused is over."""
        return self.flush() if self._keys and sample - self._last > self._pause else []

    def lost(self, first_sample: int, samples: int) -> list[CallerId]:
        """Samples are missing; a key may have been among them."""
        return self.flush()

    def flush(self) -> list[CallerId]:
        """No end key came. With a start key it was caller ID all the same."""
        cut = unreadable("dtmf", self._keys.encode(), None) if self._keys[:1] in tuple(STARTS) else None
        return self._done(cut)

    def _done(self, caller: CallerId | None) -> list[CallerId]:
        self._keys = ""
        if caller is None:
            return []
        return [
            CallerId(caller.number, None, None, caller.absence, caller.standard, caller.raw, caller.crc_ok, self._first)
        ]


def read(keys: str) -> CallerId | None:
    """A whole sequence, end key included. None: no caller ID at all."""
    raw = keys.encode()
    if keys in SHORT_CODES:
        return CallerId(None, None, None, SHORT_CODES[keys], "dtmf", raw, None)
    body = keys[:-1] if keys[-1:] in tuple(ENDS) else ""
    if body.isdecimal() and keys.endswith("#"):
        return CallerId(body, None, None, None, "dtmf", raw, None)
    if keys[:1] not in tuple(STARTS):
        return None
    parts: list[tuple[str, str]] = _PART.findall(body) if _PARTS.fullmatch(body) else []
    said = dict(parts)
    if len(said) < len(parts):
        said = {}  # which of the two?
    number = said.get("A", said.get("D"))
    if number is not None:
        return CallerId(number, None, None, None, "dtmf", raw, None)
    absence = CODES.get(said.get("B", ""), Absence.UNREADABLE)
    return CallerId(None, None, None, absence, "dtmf", raw, None)
