"""A board, a talker and a service in one: feeds a session in order of time, asks for ticks only when it wants them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

from tsuwaroku.config import LineNotice, NoticeKind
from tsuwaroku.notice.beep import BEEP_NS
from tsuwaroku.notice.policy import NoticePlan
from tsuwaroku.notice.session import Effect, NoticeSession, Play, Sound, Stop

S = 1_000_000_000
MS = 1_000_000
FRAME = 20 * MS
ANNOUNCEMENT_NS = 5 * S

Log = list[tuple[float, str]]


def ns(seconds: float) -> int:
    return round(seconds * S)


class House:
    """`log` is what came out: (seconds, "announcement" | "beep" | "stop")."""

    def __init__(
        self,
        kind: NoticeKind | NoticePlan,
        line: LineNotice | None = None,
        *,
        latency_s: float = 0.06,
        extra_ticks: Iterable[float] = (),
        refuses: int = 0,
        breaks_after: Iterable[float] = (),
        silent_about_end: bool = False,
        session: NoticeSession | None = None,
    ) -> None:
        plan = kind if isinstance(kind, NoticePlan) else NoticePlan(kind=kind)
        self.session = session or NoticeSession(plan, line or LineNotice(repeat_after_flash=True), ANNOUNCEMENT_NS)
        self.log: Log = []
        self._latency_ns = ns(latency_s)
        self._refuses = refuses  # so many requests have no effect at all
        self._breaks = [ns(at) for at in breaks_after]  # the next playbacks end after this, one each
        self._silent_about_end = silent_about_end
        self._queue: list[tuple[int, int, Callable[[int], list[Effect]]]] = []
        self._count = 0
        self._playback = 0
        self._sounding = False
        for at in extra_ticks:
            self._at(ns(at), self.session.tick)

    def _at(self, at_ns: int, act: Callable[[int], list[Effect]]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (at_ns, self._count, act))

    def at(self, seconds: float, name: str) -> House:
        """Call the session's method `name` then."""
        self._at(ns(seconds), getattr(self.session, name))
        return self

    def says(self, start: float, pattern: Iterable[tuple[float, bool]]) -> House:
        """Voice frames from `start`: (seconds, is speech)..."""
        at = ns(start)
        for seconds, speech in pattern:
            for _ in range(round(seconds * 50)):
                self._at(at + FRAME, lambda end, speech=speech: self.session.voice(end - FRAME, speech))  # type: ignore[misc]
                at += FRAME
        return self

    def run(self, until: float) -> Log:
        while True:
            due = self.session.deadline()
            if self._queue and (due is None or self._queue[0][0] <= due):
                at_ns, _, act = self._queue[0]
                if at_ns > ns(until):
                    break
                heapq.heappop(self._queue)
            elif due is not None and due <= ns(until):
                at_ns, act = due, self.session.tick
            else:
                break
            for effect in act(at_ns):
                self._carry_out(effect, at_ns)
        return self.log

    def _carry_out(self, effect: Effect, at_ns: int) -> None:
        name = "stop" if isinstance(effect, Stop) else effect.kind.value
        self.log.append((round(at_ns / S, 3), name))
        self._playback += 1
        if isinstance(effect, Play):
            self._begin(effect.kind, at_ns)
        elif self._sounding:
            self._sounding = False
            self._at(at_ns + 10 * MS, lambda at: self.session.playback(False, 0, at))

    def _begin(self, kind: Sound, at_ns: int) -> None:
        if self._refuses:
            self._refuses -= 1
            return
        number = self._playback
        length = self._breaks.pop(0) if self._breaks else BEEP_NS if kind is Sound.BEEP else ANNOUNCEMENT_NS

        def starts(at: int) -> list[Effect]:
            if number != self._playback:
                return []
            self._sounding = True
            return self.session.playback(True, at // 125_000, at)

        def ends(at: int) -> list[Effect]:
            if number != self._playback:
                return []
            self._sounding = False
            return self.session.playback(False, at // 125_000, at)

        self._at(at_ns + self._latency_ns, starts)
        if not self._silent_about_end:
            self._at(at_ns + self._latency_ns + length, ends)
