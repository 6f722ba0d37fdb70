"""One line of the box: what its sensors and sound mean (LineMachine), what is kept of it, what its caller is told.

The glue between pure parts. It does no I/O of its own but through the board's non-blocking verbs, and hands its
results on as operations for the storage side.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import msgspec
from ulid import ULID

from tsuwaroku.clock import NS, Clock, Instant, iso
from tsuwaroku.config import AnnouncementConfig, LineConfig, Mode
from tsuwaroku.events import AudioFrame, ButtonPressed, Contact, ContactEdge, Gap, Playback
from tsuwaroku.hal.board import Board, Lamp
from tsuwaroku.notice.policy import decide
from tsuwaroku.notice.session import Effect as NoticeEffect
from tsuwaroku.notice.session import NoticeSession, Play, Sound, Stop
from tsuwaroku.records.call import (
    Audio,
    CallRecord,
    ClockRecord,
    Direction,
    Mark,
    Notice,
    NoticeOutcome,
    Outcome,
    Retention,
)
from tsuwaroku.records.retention import expires_on
from tsuwaroku.service import ops
from tsuwaroku.service.capture import LineCapture
from tsuwaroku.service.modes import mode_now
from tsuwaroku.service.panel import LinePanel
from tsuwaroku.service.proving import NoticeProver
from tsuwaroku.signalling import effects
from tsuwaroku.signalling.line import LineMachine, State
from tsuwaroku.signalling.voice import VoiceActivity
from tsuwaroku.store.chunks import CallOpening


class Sounds(msgspec.Struct, frozen=True):
    """What can be played, S16LE at the board's rate."""

    announcement: bytes
    beep: bytes
    rate: int

    def of(self, kind: Sound) -> bytes:
        return self.announcement if kind is Sound.ANNOUNCEMENT else self.beep

    @property
    def announcement_ns(self) -> int:
        return len(self.announcement) // 2 * NS // self.rate


class Predecessor(msgspec.Struct, frozen=True):
    """A call that was cut off (crash, power) on a line that may still be in that call."""

    call_id: bytes
    told: bool


class OngoingCall:
    """What is known of the call in progress."""

    def __init__(self, call_id: bytes, seized: Instant, direction: Direction, mode: Mode) -> None:
        self.id = call_id
        self.seized = seized
        self.direction = direction
        self.mode = mode
        self.continues: bytes | None = None
        self.off_hook_ns: int | None = None
        self.answered_ns: int | None = None
        self.inferred = False
        self.inherited: Notice | None = None
        self.notice_told: NoticeOutcome | None = None  # as last written into the stream
        self.marks: list[Mark] = []
        self.flashes: list[float] = []
        self.voice_at = array("q")
        self.voice = bytearray()

    @property
    def ulid(self) -> str:
        return str(ULID.from_bytes(self.id))

    def iso(self, mono_ns: int) -> str:
        """Wall time of a moment of this call, counted from its start: a step of the clock cannot tear a call."""
        return iso(self.seized.wall_ns + mono_ns - self.seized.mono_ns)

    def at_s(self, mono_ns: int) -> float:
        """Seconds since the answer (since the seizure where nobody answered)."""
        return round((mono_ns - (self.answered_ns or self.seized.mono_ns)) / NS, 3)

    def speech_ratio(self, start_sample: int, end_sample: int) -> float | None:
        """Share of speech among the frames between two stream positions; what we played ourselves is not counted."""
        inside = [flag for at, flag in zip(self.voice_at, self.voice, strict=True) if start_sample <= at < end_sample]
        return round(sum(inside) / len(inside), 3) if inside else None


class LineStation:
    """One line. Used by the recorder's thread only."""

    def __init__(
        self,
        line: LineConfig,
        *,
        board: Board,
        clock: Clock,
        sounds: Sounds,
        announcement: AnnouncementConfig,
        retention_days: int,
    ) -> None:
        self.line = line
        self.machine = LineMachine(line)
        self.panel = LinePanel()
        self.capture = LineCapture(board.rate, line.timers.pre_roll_s)
        self.call: OngoingCall | None = None
        self.urgent = False
        self.notice_failed: str | None = None
        self.anomaly: str | None = None  # the latest; taken by the recorder
        self.predecessor: Predecessor | None = None
        self._board = board
        self._clock = clock
        self._rate = board.rate
        self._sounds = sounds
        self._emergency = announcement.emergency_numbers
        self._retention_days = retention_days
        self._voice = VoiceActivity(board.rate)
        self._frame_octets = board.rate // 50 * 2
        self._session: NoticeSession | None = None
        self._prover = NoticeProver(board.rate, board.hears_itself(line.id))
        self._playing = False
        self._ops: list[ops.Op] = []
        self._last: OngoingCall | None = None  # the last finished call, for late marks
        self._last_ended_ns: int | None = None  # None again once another call was seized
        self._discard_due_ns: int | None = None
        self._parked = False
        self._now_ns = 0
        self._due_ns: int | None = None  # the line machine's deadline as of its last input

    # -- what comes in

    def audio(self, frame: AudioFrame) -> None:
        self.capture.add(frame)
        if self.call is not None and self.capture.capturing:
            self._heard(frame)
        found = self.machine.audio(frame)
        if found:  # almost never: this runs for every line and 20 ms
            self._apply(found)
            self._due_ns = self.machine.deadline()

    def gap(self, gap: Gap) -> None:
        self.capture.add(gap)
        self._prover.gap()
        self._apply(self.machine.gap(gap))

    def contact(self, edge: ContactEdge) -> None:
        if edge.contact is Contact.HOOK:
            self.panel.hook(edge.active, edge.mono_ns)
        self._apply(self.machine.contact(edge))
        self._due_ns = self.machine.deadline()

    def button(self, press: ButtonPressed) -> None:
        if self._markable(press.mono_ns):
            self._board.show(self.line.id, Lamp.ACK)  # within 100 ms, whatever the machine still waits for
        self._apply(self.machine.button(press))
        self._due_ns = self.machine.deadline()

    def playback(self, event: Playback) -> None:
        self._playing = event.playing
        session = self._session
        if session is None:
            return
        self._notice(session.playback(event.playing, event.first_sample, event.mono_ns))
        if event.playing:
            self._prover.began(event.first_sample, self.capture.since(event.first_sample - self._prover.margin))
        elif session.plays and self.call is not None:
            self._prove(self._prover.ended(event.first_sample, session.plays[-1]))
            self._notice_event()

    def tick(self, now_ns: int) -> None:
        """Time has come to `now_ns`; every edge before it was given."""
        self._now_ns = now_ns
        if self._due_ns is not None and self._due_ns <= now_ns:
            self._apply(self.machine.tick(now_ns))
            self._due_ns = self.machine.deadline()
        session = self._session
        if session is not None:
            self._park(session, now_ns)
            due = session.deadline()
            if due is not None and due <= now_ns:
                self._notice(session.tick(now_ns))
        if self._discard_due_ns is not None and now_ns >= self._discard_due_ns:
            self._discard()

    def notice_state(self) -> str | None:
        """For the live view: null with no call, `due` before the notice, `playing`, then its outcome."""
        if self._session is None:
            return None
        if self._playing:
            return "playing"
        outcome = self._session.outcome().outcome
        return "due" if outcome is None else outcome.value

    # -- what goes out

    def take(self) -> list[ops.Op]:
        """Everything to store since the last time."""
        if self.capture.capturing:
            self._ops += self.capture.take()
        taken, self._ops = self._ops, []
        self.urgent = False
        return taken

    def shutdown(self, now_ns: int) -> None:
        """A clean stop: a call in progress is closed with what there is of it."""
        if self.call is not None and self.capture.capturing:
            outcome = Outcome.ANSWERED if self.call.answered_ns is not None else Outcome.ABANDONED
            self._ended(effects.Ended(now_ns, now_ns, outcome), ended_by="shutdown")
        self._discard()

    # -- the line machine's effects

    def _apply(self, found: Sequence[effects.Effect]) -> None:
        for effect in found:
            match effect:
                case effects.Seized():
                    self._seized(effect)
                case effects.OffHook(at_ns):
                    self._off_hook(at_ns)
                case effects.Answered(at_ns, inferred):
                    self._answered(at_ns, inferred)
                case effects.Flash():
                    self._flash(effect)
                case effects.Ended():
                    self._ended(effect)
                case effects.Missed():
                    self._missed(effect)
                case effects.PartDue(at_ns):
                    self._part(at_ns)
                case effects.Marked(at_ns):
                    self._marked(at_ns)
                case effects.MarkedLate(at_ns):
                    self._marked_late(at_ns)
                case effects.Anomaly():
                    self._event("anomaly", effect.at_ns, {"code": effect.code, "detail": effect.detail})
                    self.anomaly = effect.code
                case effects.PressIgnored():
                    pass

    def _seized(self, effect: effects.Seized) -> None:
        seized = self._clock.at(effect.at_ns)
        mode = mode_now(self.line, seized.wall_ns)
        self.panel.watched = mode is not Mode.OFF
        self._discard()
        self._last_ended_ns = None
        if mode is Mode.OFF:
            return
        call_id = ULID.from_timestamp(seized.wall_ns / NS).bytes
        self.call = OngoingCall(call_id, seized, effect.direction, mode)
        if effect.resumed and self.predecessor is not None:
            self.call.continues = self.predecessor.call_id
            if self.predecessor.told:
                self.call.inherited = Notice(outcome=NoticeOutcome.ANNOUNCED, reason="inherited")
        self.predecessor = None

    def _off_hook(self, at_ns: int) -> None:
        call = self.call
        if call is None:
            return
        call.off_hook_ns = at_ns
        first_sample = self.capture.start(call.id, at_ns)
        off_hook_sample = self.capture.position(at_ns)
        first_ns = at_ns - (off_hook_sample - first_sample) * NS // self._rate
        self._ops.append(ops.OpenCall(self._opening(call, first_ns)))
        self.panel.call_began(at_ns)
        for piece in list(self.capture.since(off_hook_sample)):
            if isinstance(piece, AudioFrame) and piece.first_sample >= off_hook_sample:
                self._heard(piece)

    def _answered(self, at_ns: int, inferred: bool) -> None:
        call = self.call
        if call is None:
            return
        call.answered_ns, call.inferred = at_ns, inferred
        ring_s = self._ring_s(call)
        self._event(
            "answered",
            at_ns,
            {"at": call.iso(at_ns), "inferred": inferred, "direction": call.direction.value, "ring_s": ring_s},
        )
        plan = decide(self.line.notice, call.direction, None, self._emergency)
        if call.inherited is not None:
            self._session = NoticeSession.inherited(call.inherited, plan, self.line.notice, at_ns)
        else:
            self._session = NoticeSession(plan, self.line.notice, self._sounds.announcement_ns)
            self._notice(self._session.answered(at_ns))
            self._catch_up(call, at_ns)
        self._parked = False
        self._notice_event()

    def _catch_up(self, call: OngoingCall, at_ns: int) -> None:
        """The answer is noticed late (its debounce); the session is given the frames since."""
        answer = self.capture.position(at_ns)
        assert self._session is not None
        for first, flag in zip(call.voice_at, call.voice, strict=True):
            if first >= answer:
                frame_ns = at_ns + (first - answer) * NS // self._rate
                self._notice(self._session.voice(frame_ns, bool(flag)))

    def _flash(self, effect: effects.Flash) -> None:
        call = self.call
        if call is None:
            return
        call.flashes.append(call.at_s(effect.at_ns))
        length_s = round(effect.length_ns / NS, 3)
        self._event("flash", effect.at_ns, {"at_s": call.at_s(effect.at_ns), "length_s": length_s})
        if self._session is not None:
            if not self._parked:
                self._notice(self._session.flash(effect.at_ns))
            self._notice(self._session.returned(effect.at_ns + effect.length_ns))
        self._parked = False

    def _park(self, session: NoticeSession, now_ns: int) -> None:
        """While the hook is flashed nothing is played."""
        if not self._parked and self.machine.state is State.FLASHED:
            self._parked = True
            self._notice(session.flash(now_ns))

    def _ended(self, effect: effects.Ended, ended_by: str = "hook") -> None:
        call = self.call
        if call is None:
            return
        self._ops += self.capture.finish(effect.decided_ns)
        self._close(call, effect.at_ns, effect.outcome, ended_by)
        self.call, self._last, self._last_ended_ns = None, call, effect.at_ns
        self.panel.call_ended()
        if call.mode is Mode.ON_BUTTON and not call.marks:
            self._discard_due_ns = effect.at_ns + round(self.line.timers.mark_window_s * NS)

    def _missed(self, effect: effects.Missed) -> None:
        call, self.call = self.call, None
        if call is None or call.mode is Mode.ON_BUTTON:
            return
        self._ops.append(ops.OpenCall(self._opening(call)))
        record = self._record(call, effect.at_ns, Outcome.MISSED, Notice(), "hook")
        record.ring_s = round((effect.at_ns - call.seized.mono_ns) / NS, 3)
        self._ops.append(ops.CloseCall(call.id, self.line.id, record))

    def _part(self, at_ns: int) -> None:
        old = self.call
        if old is None:
            return
        cut = self.capture.position(at_ns)
        self._ops += self.capture.finish_at(cut)
        outcome = Outcome.ANSWERED if old.answered_ns is not None else Outcome.ABANDONED
        session = self._session
        self._close(old, at_ns, outcome, "part")
        seized = Instant(old.seized.wall_ns + at_ns - old.seized.mono_ns, at_ns, old.seized.boot_id, old.seized.quality)
        call = OngoingCall(ULID.from_timestamp(seized.wall_ns / NS).bytes, seized, old.direction, old.mode)
        call.continues = old.id
        call.off_hook_ns = at_ns
        call.answered_ns = at_ns if old.answered_ns is not None else None
        self.call = call
        self._ops.append(ops.OpenCall(self._opening(call)))
        self.capture.start_at(call.id, cut)
        self.panel.call_began(at_ns)
        if call.answered_ns is not None:
            self._event("answered", at_ns, {"at": call.iso(at_ns), "inferred": old.inferred})
        if session is not None:
            plan = decide(self.line.notice, call.direction, None, self._emergency)
            self._session = NoticeSession.inherited(session.outcome(), plan, self.line.notice, at_ns)
        if call.mode is Mode.ON_BUTTON and old.marks:
            self._ops.append(ops.Press(call.id))

    def _marked(self, at_ns: int) -> None:
        call = self.call
        if call is None:
            return
        if call.mode is Mode.ON_BUTTON and not call.marks:
            self._ops.append(ops.Press(call.id))
        mark = Mark(at_s=call.at_s(at_ns))
        call.marks.append(mark)
        self._event("mark", at_ns, {"at_s": mark.at_s, "kind": mark.kind.value, "by": mark.by})
        self.urgent = True
        if self._session is not None:
            self._notice(self._session.button(at_ns))
            self._notice_event()

    def _marked_late(self, at_ns: int) -> None:
        call = self._last
        if call is None:
            return
        if call.mode is Mode.ON_BUTTON and self._discard_due_ns is not None:
            self._discard_due_ns = None
            self._ops.append(ops.Press(call.id))
        self._ops.append(ops.LateMark(call.id, Mark(at_s=call.at_s(at_ns))))
        self.urgent = True

    def _markable(self, now_ns: int) -> bool:
        """Whether a press now marks a call: the one in progress, or the one that ended just before."""
        if self.call is not None:
            return self.machine.state is not State.RINGING
        window_ns = round(self.line.timers.mark_window_s * NS)
        return self._last_ended_ns is not None and now_ns - self._last_ended_ns <= window_ns

    def _discard(self) -> None:
        if self._discard_due_ns is not None and self._last is not None:
            self._ops.append(ops.Discard(self._last.id, self.line.id))
        self._discard_due_ns = None

    # -- notice

    def _notice_event(self) -> None:
        """What has become of the notice goes into the call's own stream as soon as it is so: a call that is cut off
        keeps it, and the recorder that resumes the call knows whether its party was told."""
        call, session = self.call, self._session
        if call is None or session is None:
            return
        notice = session.outcome()
        if notice.outcome is None or notice.outcome is call.notice_told:
            return
        call.notice_told = notice.outcome
        self._event("notice", self._now_ns, msgspec.to_builtins(notice))
        if notice.outcome is not NoticeOutcome.FAILED:
            self._ops.append(ops.Told(call.id))

    def _notice(self, found: Sequence[NoticeEffect]) -> None:
        for effect in found:
            match effect:
                case Play(kind):
                    self._board.play(self.line.id, self._sounds.of(kind))
                case Stop():
                    self._board.stop_playing(self.line.id)

    def _heard(self, frame: AudioFrame) -> None:
        """One frame of a call: is it speech; the notice waits for a pause, the proof collects what came back."""
        call = self.call
        assert call is not None
        proven = self._prover.frame(frame)
        if proven is not None:
            self._prove(proven)
        if self._playing or len(frame.pcm) != self._frame_octets:
            return
        speech = self._voice.is_speech(frame.pcm)
        call.voice_at.append(frame.first_sample)
        call.voice.append(speech)
        session = self._session
        if session is not None and session.deadline() is not None:
            self._notice(session.voice(frame.mono_ns, speech))

    def _prove(self, found: tuple[Sound, bytes] | None) -> None:
        if found is not None and self.call is not None:
            kind, captured = found
            self._ops.append(ops.ProveNotice(self.call.id, self.line.id, kind.value, captured, self._sounds.of(kind)))

    # -- the record

    def _close(self, call: OngoingCall, ended_ns: int, outcome: Outcome, ended_by: str) -> None:
        notice = Notice()
        session, self._session = self._session, None
        if session is not None:
            self._prove(self._prover.cut())
            self._notice(session.ended(ended_ns))
            notice = session.outcome()
            if notice.outcome is NoticeOutcome.FAILED:
                self.notice_failed = notice.reason
            elif notice.outcome is not None:
                self.notice_failed = None
        record = self._record(call, ended_ns, outcome, notice, ended_by)
        self._ops.append(ops.CloseCall(call.id, self.line.id, record))

    def _record(self, call: OngoingCall, ended_ns: int, outcome: Outcome, notice: Notice, ended_by: str) -> CallRecord:
        ended_wall = call.seized.wall_ns + ended_ns - call.seized.mono_ns
        answered = call.answered_ns
        ratio = None
        if answered is not None:
            ratio = call.speech_ratio(self.capture.position(answered), self.capture.position(ended_ns))
        return CallRecord(
            id=call.ulid,
            sequence=0,  # the writer knows it
            line=self.line.id,
            extension=self.line.extension or self.line.id,
            direction=call.direction,
            seized_at=iso(call.seized.wall_ns),
            answered_at=None if answered is None else call.iso(answered),
            answer_inferred=call.inferred,
            ended_at=iso(ended_wall),
            duration_s=0.0 if answered is None else round((ended_ns - answered) / NS, 3),
            ring_s=self._ring_s(call),
            outcome=outcome,
            notice=notice,
            marks=call.marks,
            flashes=call.flashes,
            audio=Audio(rate=self._rate, speech_ratio=ratio),
            clock=ClockRecord(
                quality=call.seized.quality.value, mono_ns=call.seized.mono_ns, boot_id=call.seized.boot_id.hex()
            ),
            retention=Retention(expires_on=expires_on(ended_wall, self._retention_days).isoformat()),
            continues=None if call.continues is None else str(ULID.from_bytes(call.continues)),
            ended_by=ended_by,
        )

    def _ring_s(self, call: OngoingCall) -> float:
        if call.direction is not Direction.INBOUND or call.off_hook_ns is None:
            return 0.0
        return round(max(0, call.off_hook_ns - call.seized.mono_ns) / NS, 3)

    def _opening(self, call: OngoingCall, first_ns: int | None = None) -> CallOpening:
        """`first_ns`: the time of the first sample, by which the end of a call that is cut off can be told."""
        return CallOpening(
            id=call.id,
            line=self.line.id,
            extension=self.line.extension or self.line.id,
            direction=call.direction.value,
            seized=call.seized,
            rate=self._rate,
            continues=call.continues,
            mode=call.mode.value,
            retention_days=self._retention_days,
            key_withheld=call.mode is Mode.ON_BUTTON,
            details={
                "seized_at": iso(call.seized.wall_ns),
                "ring_s": self._ring_s(call),
                "first_sample_mono_ns": call.seized.mono_ns if first_ns is None else first_ns,
            },
        )

    def _event(self, kind: str, mono_ns: int, data: dict[str, object]) -> None:
        """An event of the call in progress goes into its own stream, after the audio captured before it."""
        if self.call is None or self.call.off_hook_ns is None:
            return
        if self.capture.capturing:
            self._ops += self.capture.take()
        self._ops.append(ops.AddEvent(self.call.id, kind, mono_ns, data))
