"""The hook of every line, from its comparator and its measured voltage; what was learnt of the voltages is kept.

It is kept in one small file that the recorder owns. Losing it costs little, so no sync is waited for: it is written
beside the old one and renamed, by a thread of its own, at most every ten minutes and at the end. A file that cannot be
read, or is another version's, is as good as none; lines then learn again, which takes one call each.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from tsuwaroku.events import ButtonPressed, Contact, ContactEdge, LineVoltage
from tsuwaroku.hal.feed import Feed, Learnt
from tsuwaroku.hal.meter import Meter, Sample

NS = 1_000_000_000
TOLD_EVERY_NS = NS
SAVED_EVERY_NS = 600 * NS
_NEWS_V = 0.5  # less than that is not worth a write


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lines: dict[str, Learnt]
    version: int = 1


class _Second:
    """The voltages of a second of one line."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.low = float("inf")
        self.high = float("-inf")

    def add(self, volts: float) -> None:
        self.count += 1
        self.total += volts
        self.low, self.high = min(self.low, volts), max(self.high, volts)


class Sensing:
    """Edges and samples in, edges and a LineVoltage a second and line out. Used by the recorder's thread."""

    def __init__(self, lines: Iterable[str], meter: Meter, now_ns: Callable[[], int], kept: Path | None) -> None:
        self._meter = meter
        self._now_ns = now_ns
        self._kept = kept
        self._saved = _load(kept)
        self._feeds = {line: Feed(self._saved.get(line)) for line in lines}
        self._seconds = {line: _Second() for line in self._feeds}
        self._told_ns = now_ns()
        self._saved_ns = now_ns()
        self._saving: threading.Thread | None = None

    def take(self, edges: Iterable[ContactEdge | ButtonPressed]) -> list[ContactEdge | ButtonPressed | LineVoltage]:
        """What the panel told, with what was measured meanwhile, in the order of their times."""
        now = self._now_ns()
        inputs: list[ContactEdge | ButtonPressed | Sample] = [*edges, *self._meter.drain()]
        inputs.sort(key=lambda one: one.mono_ns)
        out: list[ContactEdge | ButtonPressed | LineVoltage] = []
        for one in inputs:
            if isinstance(one, ButtonPressed):
                out.append(one)
            elif isinstance(one, Sample):
                self._seconds[one.line].add(one.volts)
                self._hook(out, one.line, self._feeds[one.line].sample(one.volts, one.mono_ns), one.mono_ns)
            elif one.contact is Contact.RING:
                self._feeds[one.line].ringing(one.active, one.mono_ns)
                out.append(one)
            else:
                self._hook(out, one.line, self._feeds[one.line].contact(one.active, one.mono_ns), one.mono_ns)
        for line, feed in self._feeds.items():
            self._hook(out, line, feed.stale(now), now)
        if now - self._told_ns >= TOLD_EVERY_NS:
            self._told_ns = now
            out += self._voltages(now)
        if now - self._saved_ns >= SAVED_EVERY_NS:
            self._save(now)
        return out

    def close(self) -> None:
        """Keep what was learnt. Safe to call twice."""
        self._save(self._now_ns())
        if self._saving is not None:
            self._saving.join(1.0)  # a disk that hangs must not keep the board from closing

    @staticmethod
    def _hook(
        out: list[ContactEdge | ButtonPressed | LineVoltage], line: str, level: bool | None, mono_ns: int
    ) -> None:
        if level is not None:
            out.append(ContactEdge(line, Contact.HOOK, level, mono_ns))

    def _voltages(self, now: int) -> list[LineVoltage]:
        told = []
        for line, second in self._seconds.items():
            feed = self._feeds[line]
            if second.count:
                mean = second.total / second.count
                told.append(LineVoltage(line, mean, second.low, second.high, feed.learnt.threshold, feed.dead, now))
            self._seconds[line] = _Second()
        return told

    def _save(self, now: int) -> None:
        self._saved_ns = now
        learnt = {line: feed.learnt for line, feed in self._feeds.items() if feed.learnt.idle is not None}
        busy = self._saving is not None and self._saving.is_alive()
        if self._kept is None or busy or not _news(learnt, self._saved):
            return
        # Of a line that is not configured now, what was known stays.
        self._saved = {**self._saved, **learnt}
        text = msgspec.json.format(msgspec.json.encode(_File(dict(self._saved))))
        self._saving = threading.Thread(target=_write, args=(self._kept, text), name="levels", daemon=True)
        self._saving.start()


def _news(learnt: Mapping[str, Learnt], saved: Mapping[str, Learnt]) -> bool:
    def apart(a: float | None, b: float | None) -> bool:
        return a != b if a is None or b is None else abs(a - b) >= _NEWS_V

    known = {line: saved.get(line, Learnt()) for line in learnt}
    return any(
        apart(one.idle, known[line].idle) or apart(one.off_hook, known[line].off_hook) for line, one in learnt.items()
    )


def _load(path: Path | None) -> dict[str, Learnt]:
    if path is None:
        return {}
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError):
        return {}
    return found.lines if found.version == 1 else {}


def _write(path: Path, text: bytes) -> None:
    with contextlib.suppress(OSError):
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(text + b"\n")
        fresh.replace(path)
