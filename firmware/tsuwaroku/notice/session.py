"""The notice of one call, as a machine without I/O: what happened goes in with its time, what to play comes out.

    WAITING  --answered-->  LISTENING  --pause, or latest_s-->  ASKED  --playback-->  PLAYING  --whole-->  TOLD
       TOLD --beep due--> ASKED        any --flash--> PARKED --returned--> LISTENING or TOLD        any --> CLOSED

It starts at the first pause after the greeting (speech of 0.3 s in all, then 0.5 s without), `latest_s` after the
answer at the latest. A flash stops what plays: the tone the exchange gives then is not the other party. After it the
notice begins anew, because the party may be a new one. What counts is what the board said it played, never what it
was asked for. Every method first lets run out what was due; calling `tick` more often than `deadline()` asks changes
nothing.
"""

from __future__ import annotations

import enum

import msgspec

from tsuwaroku.clock import NS
from tsuwaroku.config import LineNotice, NoticeKind
from tsuwaroku.notice.beep import BEEP_NS
from tsuwaroku.notice.policy import NoticePlan, Reason
from tsuwaroku.records.call import Notice, NoticeOutcome

MS = 1_000_000
VOICE_FRAME_NS = 20 * MS
GREETING_NS = 300 * MS  # speech in all before a pause counts as the greeting's end
PAUSE_NS = 500 * MS  # longer than the stops inside a spoken sentence
START_WITHIN_NS = 2 * NS  # a board that was asked and has not begun by then will not
ENDS_WITHIN_NS = 2 * NS  # the same for its word that it ended
SHORT_OF_WHOLE_NS = 60 * MS  # a board's buffers may end its count three frames early
EARLY_NS = 250 * MS  # how far before the request a playback's own time may lie (buffers, the card's clock)
ATTEMPTS = 3


class Sound(enum.StrEnum):
    """What can be played."""

    ANNOUNCEMENT = "announcement"
    BEEP = "beep"


class Play(msgspec.Struct, frozen=True):
    """Send this onto the pair, in place of what plays."""

    kind: Sound


class Stop(msgspec.Struct, frozen=True):
    """Stop what plays, at once."""


Effect = Play | Stop


class Played(msgspec.Struct, frozen=True):
    """One actual playback: position of its first sample, its start and end, and whether it was all of it."""

    kind: Sound
    first_sample: int
    start_ns: int
    end_ns: int
    whole: bool


class _State(enum.Enum):
    WAITING = enum.auto()
    LISTENING = enum.auto()
    ASKED = enum.auto()
    PLAYING = enum.auto()
    TOLD = enum.auto()  # the notice was given (or given up); beeps may be due
    PARKED = enum.auto()
    CLOSED = enum.auto()


class NoticeSession:
    """One call's notice. Times are monotonic nanoseconds; every method returns the effects to carry out, in order."""

    def __init__(self, plan: NoticePlan, line: LineNotice, announcement_ns: int) -> None:
        """`announcement_ns` is the length of the announcement that `Play` stands for."""
        self._plan = plan
        self._line = line
        self._length_ns = {Sound.ANNOUNCEMENT: announcement_ns, Sound.BEEP: BEEP_NS}
        self._first = Sound.ANNOUNCEMENT if plan.announces else Sound.BEEP
        self._state = _State.WAITING
        self._answered_ns: int | None = None
        self._inherited: Notice | None = None
        self._exempt_by_button = False
        self._reason: Reason | None = None
        self._plays: list[Played] = []
        self._due_ns: int | None = None  # the state's deadline
        self._beep_ns: int | None = None  # when the next beep of the row is due
        self._sound = self._first
        self._in_row = False  # the present sound is one of the row of beeps, not the notice itself
        self._attempt = 0
        self._playing: tuple[int, int] | None = None  # first sample, start
        self._asked_ns = 0
        self._since_ns = self._heard_to_ns = 0  # of LISTENING: its start, the end of the last voice frame
        self._speech_ns = self._silence_ns = 0

    @classmethod
    def inherited(
        cls, notice: Notice, plan: NoticePlan | None = None, line: LineNotice | None = None, at_ns: int = 0
    ) -> NoticeSession:
        """The session of a call that continues another: its party has that one's notice, or lack of one.

        Nothing is announced again. Where `plan` and `line` are given and beeps belong to the notice, their row goes on
        from `at_ns`.
        """
        if notice.outcome is None:
            notice = msgspec.structs.replace(
                notice, outcome=NoticeOutcome.FAILED, reason=Reason.CAPTURE_BEGAN_IN_CALL.value
            )
        told = notice.outcome in (NoticeOutcome.ANNOUNCED, NoticeOutcome.BEEPED)
        session = cls(plan or NoticePlan(kind=NoticeKind.ANNOUNCEMENT), line or LineNotice(), 0)
        session._inherited = notice
        session._state = _State.CLOSED
        if plan is not None and plan.plays and plan.beeps and told:
            session._begin_row(at_ns)
        return session

    @property
    def plays(self) -> tuple[Played, ...]:
        """Everything the board played of it so far, parts included: the stretches to prove."""
        return tuple(self._plays)

    def deadline(self) -> int | None:
        """When `tick` is needed next, at the latest."""
        return self._due_ns

    def answered(self, at_ns: int) -> list[Effect]:
        """The other party is there. A second answer is ignored."""
        if self._answered_ns is None and self._inherited is None:
            self._answered_ns = at_ns
            if self._state is _State.WAITING:
                if self._plan.plays:
                    self._listen(at_ns)
                else:
                    self._close()
        return []

    def voice(self, frame_start_ns: int, is_speech: bool) -> list[Effect]:
        """One 20 ms frame after the answer, once it is over. Frames are expected in order; a hole is not a pause."""
        end_ns = frame_start_ns + VOICE_FRAME_NS
        effects = self.tick(end_ns)
        if self._state is not _State.LISTENING or frame_start_ns < self._since_ns:
            return effects
        if is_speech:
            self._speech_ns += VOICE_FRAME_NS
            self._silence_ns = 0
        else:
            contiguous = abs(frame_start_ns - self._heard_to_ns) < VOICE_FRAME_NS // 2
            self._silence_ns = VOICE_FRAME_NS + (self._silence_ns if contiguous else 0)
        self._heard_to_ns = end_ns
        if self._speech_ns >= GREETING_NS and self._silence_ns >= PAUSE_NS:
            effects += self._ask(self._first, end_ns)
        return effects

    def button(self, at_ns: int) -> list[Effect]:
        """不当要求: where configured it stops the notice, and what would follow, under item 1."""
        effects = self.tick(at_ns)
        if not self._line.button_stops or not self._plan.plays or self._state is _State.CLOSED:
            return effects
        self._exempt_by_button = True
        effects += self._stop(at_ns)
        self._close()
        return effects

    def withhold(self, reason: Reason, at_ns: int) -> list[Effect]:
        """Play no more on this call, e.g. because an emergency number was dialled within it."""
        effects = self.tick(at_ns)
        if self._state is not _State.CLOSED:
            effects += self._stop(at_ns)
            self._reason = reason
            self._close()
        return effects

    def flash(self, at_ns: int) -> list[Effect]:
        """The hook was flashed: nothing is played until `returned`."""
        effects = self.tick(at_ns)
        if self._state in (_State.LISTENING, _State.ASKED, _State.PLAYING, _State.TOLD):
            effects += self._stop(at_ns)
            self._state, self._due_ns = _State.PARKED, None
        return effects

    def returned(self, at_ns: int) -> list[Effect]:
        """Somebody is there again after a flash."""
        effects = self.tick(at_ns)
        if self._state is _State.PARKED:
            if self._inherited is None and (self._line.repeat_after_flash or not self._told()):
                self._listen(at_ns)
            else:
                self._told_until(max(at_ns, self._beep_ns) if self._beep_ns is not None else None)
        return effects

    def playback(self, playing: bool, first_sample: int, at_ns: int) -> list[Effect]:
        """The board began (`at_ns` is the time of `first_sample`) or ended. What was not asked for is ignored."""
        effects = self._run_out(at_ns)
        if playing and self._state is _State.ASKED and at_ns >= self._asked_ns - EARLY_NS:
            self._playing = (first_sample, at_ns)
            self._state, self._due_ns = _State.PLAYING, at_ns + self._length_ns[self._sound] + ENDS_WITHIN_NS
        elif not playing and self._state is _State.PLAYING:
            effects += self._finished(at_ns) if self._put_down(at_ns) else self._again(Reason.INTERRUPTED, at_ns)
        return effects

    def tick(self, now: int) -> list[Effect]:
        """Time has come to `now`."""
        return self._run_out(now)

    def ended(self, at_ns: int) -> list[Effect]:
        """The call is over; what still plays is stopped. Later input is ignored."""
        effects = self.tick(at_ns)
        effects += self._stop(at_ns)
        if self._reason is None and self._state is not _State.CLOSED:
            self._reason = self._unfinished()
        self._close()
        return effects

    def outcome(self) -> Notice:
        """The record as it stands: `outcome` is null while (or if) no notice is due; `heard` is left to the proof."""
        if self._inherited is not None:
            return self._inherited
        plan = self._plan
        notice = Notice(kind=plan.kind.value)
        if self._answered_ns is None:
            return notice
        if plan.withheld is not None:
            notice.outcome, notice.reason = NoticeOutcome.FAILED, plan.withheld.value
        elif not plan.plays:
            notice.outcome, notice.item = NoticeOutcome.EXEMPT, plan.item
            notice.decided_by, notice.decided_on, notice.reason = plan.decided_by, plan.decided_on, plan.basis
        elif self._told():
            starts = [self._offset(play) for play in self._plays if play.kind is self._first and play.whole]
            notice.outcome = NoticeOutcome.ANNOUNCED if plan.announces else NoticeOutcome.BEEPED
            notice.at_s, notice.repeats = starts[0], starts[1:]
        else:
            notice.at_s = self._offset(self._plays[0]) if self._plays else None
            if self._exempt_by_button:
                notice.outcome, notice.item, notice.decided_by = NoticeOutcome.EXEMPT, 1, "button"
            elif self._reason is not None:
                notice.outcome, notice.reason = NoticeOutcome.FAILED, self._reason.value
        return notice

    def _told(self) -> bool:
        return any(play.whole and play.kind is self._first for play in self._plays)

    def _offset(self, play: Played) -> float:
        return round((play.start_ns - (self._answered_ns or 0)) / NS, 3)

    def _unfinished(self) -> Reason:
        if self._state is _State.PARKED and self._plays:
            return Reason.INTERRUPTED
        return Reason.CALL_ENDED_BEFORE_COMPLETION if self._plays else Reason.CALL_ENDED_BEFORE

    def _listen(self, at_ns: int) -> None:
        self._since_ns = self._heard_to_ns = at_ns
        self._speech_ns = self._silence_ns = 0
        self._attempt, self._in_row, self._beep_ns, self._reason = 0, False, None, None
        self._state, self._due_ns = _State.LISTENING, at_ns + round(self._line.latest_s * NS)

    def _ask(self, sound: Sound, now: int) -> list[Effect]:
        self._sound, self._asked_ns = sound, now
        self._attempt += 1
        self._state, self._due_ns = _State.ASKED, now + START_WITHIN_NS
        return [Play(sound)]

    def _run_out(self, now: int) -> list[Effect]:
        """What was due by `now`. A late tick asks at `now`, once: a row of missed beeps is not made up for."""
        if self._due_ns is None or now < self._due_ns:
            return []
        if self._state is _State.LISTENING:
            return self._ask(self._first, now)
        if self._state is _State.TOLD:
            self._in_row, self._attempt = True, 0
            return self._ask(Sound.BEEP, now)
        effects = self._stop(now, never_ended=True)
        return effects + self._again(Reason.PLAYBACK_FAILED, now)

    def _put_down(self, end_ns: int, *, never_ended: bool = False) -> bool:
        """Note what played; whether that was the whole of it. A board that did not say it ended proves nothing."""
        if self._playing is None:
            return False
        first_sample, start_ns = self._playing
        self._playing = None
        whole = not never_ended and end_ns - start_ns >= self._length_ns[self._sound] - SHORT_OF_WHOLE_NS
        self._plays.append(Played(self._sound, first_sample, start_ns, max(end_ns, start_ns), whole))
        return whole

    def _stop(self, at_ns: int, *, never_ended: bool = False) -> list[Effect]:
        busy = self._state in (_State.ASKED, _State.PLAYING)
        self._put_down(at_ns, never_ended=never_ended)
        return [Stop()] if busy else []

    def _finished(self, at_ns: int) -> list[Effect]:
        """A whole sound was played. The row of beeps runs from the announcement's end, or from beep to beep."""
        if self._plan.beeps:
            self._begin_row(at_ns if self._sound is Sound.ANNOUNCEMENT else self._plays[-1].start_ns)
        else:
            self._told_until(None)
        return []

    def _again(self, reason: Reason, now: int) -> list[Effect]:
        """It did not work: try again, at most three times; a beep of the row waits for the next one."""
        if not self._in_row and self._attempt < ATTEMPTS:
            return self._ask(self._sound, now)
        if not self._told():
            self._reason = reason
        if self._plan.beeps:
            self._begin_row(now)
        else:
            self._told_until(None)
        return []

    def _begin_row(self, from_ns: int) -> None:
        self._told_until(from_ns + round(self._line.beep_every_s * NS))

    def _told_until(self, beep_ns: int | None) -> None:
        self._state, self._due_ns, self._beep_ns = _State.TOLD, beep_ns, beep_ns

    def _close(self) -> None:
        self._state, self._due_ns = _State.CLOSED, None
