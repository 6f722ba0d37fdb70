"""What was dialled in a call, and which end pressed the keys heard after the answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tsuwaroku.clock import NS

# On a two-wire bridge the far end is 10 to 15 dB below the near one (facts), and so are its keys.
NEAR_DB = 5.0
FAR_DB = 8.0
APART_NS = 5 * NS  # a longer pause begins a new entry
# After a flash the exchange gives its dial tone and the other party is parked: whoever dials so soon is this end.
AFTER_FLASH_NS = 10 * NS
LOST = "?"


@dataclass(slots=True)
class Keys:
    """Keys of one end, one soon after the other."""

    at_ns: int
    keys: str
    by: str | None
    last_ns: int


class Dialling:
    """One call."""

    def __init__(self) -> None:
        self.attempts = [""]  # a flash before the answer begins another
        self.in_call: list[Keys] = []
        self._levels: list[float] = []  # of keys that this end pressed for certain
        self._flash_ns: int | None = None
        self._answered = False

    @property
    def text(self) -> str | None:
        """For the record: all attempts."""
        return ",".join(one for one in self.attempts if one) or None

    @property
    def tried(self) -> list[str]:
        """Everything that may be the number of a call in progress: each attempt, all of them in a row, and what this
        end, or somebody, dialled since the last flash. A number that was broken up by a pause shows in one of them.
        """
        since = self._flash_ns or 0
        later = "".join(one.keys for one in self.in_call if one.by != "far" and one.at_ns >= since)
        return [*self.attempts, "".join(self.attempts), self.attempts[-1] + later, later]

    @property
    def number(self) -> str | None:
        """The last attempt: where the call goes."""
        return self.attempts[-1] or None

    def digit(self, key: str, began_ns: int, level_dbm0: float | None) -> bool:
        """A digit or key; without a level it was dialled by pulses. Whether it was dialled, and not pressed in a
        call."""
        if not self._answered:
            self.attempts[-1] += key
            self._learn(level_dbm0)
            return True
        by = self._by(began_ns, level_dbm0)
        if by == "near":
            self._learn(level_dbm0)
        last = self.in_call[-1] if self.in_call else None
        if last is None or last.by != by or began_ns - last.last_ns > APART_NS or self._flashed_since(last.last_ns):
            self.in_call.append(Keys(began_ns, key, by, began_ns))
        else:
            last.keys += key
            last.last_ns = began_ns
        return False

    def flash(self, end_ns: int) -> None:
        self._flash_ns = end_ns
        if not self._answered and self.attempts[-1]:
            self.attempts.append("")

    def lost(self) -> None:
        """Sound was lost: a digit may have been in it."""
        if not self._answered and not self.attempts[-1].endswith(LOST):
            self.attempts[-1] += LOST

    def answered(self) -> None:
        self._answered = True

    def unanswered(self) -> None:
        """Nobody had answered: what seemed to be pressed in the call was dialled."""
        self._answered = False
        for one in self.in_call:
            self.attempts[-1] += one.keys
        self.in_call = []

    def next_part(self) -> Dialling:
        """The same call, in its next part."""
        part = Dialling()
        part.attempts = self.attempts
        part._levels, part._flash_ns, part._answered = self._levels, self._flash_ns, self._answered
        return part

    def _by(self, began_ns: int, level_dbm0: float | None) -> str | None:
        if level_dbm0 is None:
            return "near"  # no pulse comes from the other end
        flash_ns = self._flash_ns
        if flash_ns is not None and flash_ns <= began_ns < flash_ns + AFTER_FLASH_NS:
            return "near"
        last = self.in_call[-1] if self.in_call else None
        consulting = last is not None and last.by == "near" and flash_ns is not None and last.at_ns >= flash_ns
        if consulting and last is not None and began_ns - last.last_ns <= APART_NS and not self._far(level_dbm0):
            return "near"
        if not self._levels:
            return None
        return "far" if self._far(level_dbm0) else "near" if level_dbm0 >= self._level - NEAR_DB else None

    def _far(self, level_dbm0: float) -> bool:
        return bool(self._levels) and level_dbm0 <= self._level - FAR_DB

    @property
    def _level(self) -> float:
        return sum(self._levels) / len(self._levels)

    def _learn(self, level_dbm0: float | None) -> None:
        if level_dbm0 is not None:
            self._levels = [*self._levels[-31:], level_dbm0]

    def _flashed_since(self, at_ns: int) -> bool:
        return self._flash_ns is not None and self._flash_ns > at_ns
