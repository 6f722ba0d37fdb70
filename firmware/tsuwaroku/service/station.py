"""One line of the box: what its sensors and sound mean (LineMachine), what is kept of it, what its caller is told.

The glue between pure parts. It does no I/O of its own but through the board's non-blocking verbs, and hands its
results on as operations for the storage side.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import msgspec

from tsuwaroku.clock import NS, Clock
from tsuwaroku.config import AnnouncementConfig, LineConfig, Mode
from tsuwaroku.errors import BoardError
from tsuwaroku.events import AudioFrame, ButtonPressed, Contact, ContactEdge, Gap, Playback
from tsuwaroku.hal.board import Board, Lamp
from tsuwaroku.records.call import Mark, Notice, NoticeOutcome, Outcome
from tsuwaroku.service import ops
from tsuwaroku.service.capture import LineCapture
from tsuwaroku.service.modes import mode_now
from tsuwaroku.service.ongoing import OngoingCall, Speech, shown
from tsuwaroku.service.panel import LinePanel
from tsuwaroku.service.telling import Sounds, Telling
from tsuwaroku.signalling import effects
from tsuwaroku.signalling.cadence import Tone
from tsuwaroku.signalling.ear import Ear, Listening
from tsuwaroku.signalling.levels import LineLevels
from tsuwaroku.signalling.line import UNANSWERED, LineMachine, State
from tsuwaroku.signalling.voice import VoiceActivity


class Predecessor(msgspec.Struct, frozen=True):
    """A call that was cut off (crash, power; a tone that was taken for its end) on a line that may still be in it."""

    call_id: bytes
    told: bool


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
        self.ear = Ear(board.rate)
        self.levels = LineLevels(board.rate)
        self.panel = LinePanel()
        self.capture = LineCapture(board.rate, line.timers.pre_roll_s)
        self.telling = Telling(line, board, sounds, announcement)
        self.call: OngoingCall | None = None
        self.urgent = False
        self.anomaly: str | None = None  # the latest; taken by the recorder
        self.predecessor: Predecessor | None = None
        self._board = board
        self._clock = clock
        self._rate = board.rate
        self._retention_days = retention_days
        self._voice = VoiceActivity(board.rate)
        self._frame_octets = board.rate // 50 * 2
        self._ops: list[ops.Op] = []
        self._playing_from: int | None = None
        self._last: OngoingCall | None = None  # the last finished call, for late marks
        self._last_ended_ns: int | None = None  # None again once another call was seized
        self._discard_due_ns: int | None = None
        self._due_ns: int | None = None  # the line machine's deadline as of its last input
        self._now_ns = 0  # as of the last tick
        self._measured = 0  # the stream position up to which the line's levels were measured
        self._played = False  # something of ours is in the second that is measured next
        self._was_in_call = False

    # -- what comes in

    def audio(self, frame: AudioFrame) -> None:
        self.capture.add(frame)
        self.ear.audio(frame)
        if self.call is not None and self.capture.capturing:
            self._heard(self.call, frame)

    def gap(self, gap: Gap) -> None:
        self.capture.add(gap)
        self.ear.gap(gap)
        self.telling.gap()
        if self.call is not None and self.machine.listening is Listening.DIALLED:
            self.call.dialling.lost()
        elif self.call is not None and self.machine.listening is Listening.ON_HOOK:
            self.call.deaf = True

    def contact(self, edge: ContactEdge) -> None:
        if edge.contact is Contact.HOOK:
            self.panel.hook(edge.active, edge.mono_ns)
        self._apply(self.machine.contact(edge))
        self._due_ns = self.machine.deadline()

    def button(self, press: ButtonPressed) -> None:
        if self._markable(press.mono_ns):
            with contextlib.suppress(BoardError):
                self._board.show(self.line.id, Lamp.ACK)  # within 100 ms, whatever the machine still waits for
        self._apply(self.machine.button(press))
        self._due_ns = self.machine.deadline()

    def playback(self, event: Playback) -> None:
        self._blank(event)
        self._add(self.telling.playback(event, self.capture.since(event.first_sample - self._rate // 2)))

    def tick(self, now_ns: int) -> None:
        """Time has come to `now_ns`; every edge before it was given."""
        self._now_ns = now_ns
        if self.ear.next_ns <= now_ns:
            self._listen(now_ns)
        self._advance(now_ns)
        if self.call is not None:
            if self.machine.state is State.FLASHED:
                self.telling.flashing(now_ns)
            self.telling.tick(now_ns)
        if self._discard_due_ns is not None and now_ns >= self._discard_due_ns:
            self._discard()

    def _listen(self, now_ns: int) -> None:
        """Every block that has ended by now; the line's state at its end says what to listen for."""
        while (block := self.ear.due(now_ns)) is not None:
            self._advance(block.end_ns)
            heard = self.ear.judge(block, self.machine.listening)
            if heard:
                self._apply(self.machine.heard(block.end_ns, heard))
                self._due_ns = self.machine.deadline()

    def _advance(self, now_ns: int) -> None:
        if self._due_ns is not None and self._due_ns <= now_ns:
            self._apply(self.machine.tick(now_ns))
            self._due_ns = self.machine.deadline()

    def _blank(self, event: Playback) -> None:
        """What we play ourselves is never the line's, nor is its echo just after it."""
        if event.playing:
            self._playing_from = event.first_sample
            self.ear.blank(event.first_sample, None)
        elif self._playing_from is not None:
            self.ear.blank(self._playing_from, event.first_sample + self._rate // 10)
            self._playing_from = None

    def watch(self, wall_ns: int) -> None:
        """Between calls the lamp follows the timetable."""
        if self.call is None:
            self.panel.watched = mode_now(self.line, wall_ns) is not Mode.OFF

    def measure(self) -> None:
        """Once a second: what the line's sound of this second says about the line. What we play ourselves does not."""
        in_call, was_in_call = self.machine.in_call, self._was_in_call
        self._was_in_call = in_call
        if was_in_call and not in_call:
            self.levels.off_hook_ended()
        played, self._played = self._played, self.telling.playing
        frames = self._second()
        if not frames or played or self._played:
            self.levels.lost()
            return
        voices: list[bool] = []
        if self.call is not None and in_call:
            flags = dict(zip(self.call.voice_at[-100:], self.call.voice[-100:], strict=True))
            voices = [bool(flags.get(frame.first_sample)) for frame in frames]
        self.levels.second(b"".join(frame.pcm for frame in frames), off_hook=in_call, voices=voices)

    def _second(self) -> list[AudioFrame]:
        """The frames of the last second, where there is a whole one with nothing lost in it that is new."""
        frames: list[AudioFrame] = []
        expected: int | None = None
        for piece in self.capture.latest(self._rate * 2 // self._frame_octets):
            samples = len(piece.pcm) // 2 if isinstance(piece, AudioFrame) else 0
            if not samples or (expected is not None and piece.first_sample + samples != expected):
                return []
            assert isinstance(piece, AudioFrame)
            expected = piece.first_sample
            frames.append(piece)
        if not frames or frames[-1].first_sample < self._measured - self._rate // 2:
            return []
        self._measured = frames[0].first_sample + len(frames[0].pcm) // 2
        return frames[::-1]

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
            self._ended(effects.Ended(now_ns, now_ns, self.call.outcome_so_far), ended_by="shutdown")
        self._discard()

    # -- the line machine's effects

    def _apply(self, found: Sequence[effects.Effect]) -> None:
        for effect in found:
            match effect:
                case effects.Seized():
                    self._seized(effect)
                case effects.Anomaly():
                    self.anomaly = effect.code
                    self._event("anomaly", effect.at_ns, {"code": effect.code, "detail": effect.detail})
                case effects.MarkedLate(at_ns):
                    self._marked_late(at_ns)
                case effects.PressIgnored():
                    pass
                case _:
                    if self.call is not None:  # None in mode `off`, which keeps nothing
                        self._apply_in_call(self.call, effect)

    def _apply_in_call(self, call: OngoingCall, effect: effects.Effect) -> None:
        match effect:
            case effects.OffHook(at_ns):
                self._off_hook(call, at_ns)
            case effects.Answered(at_ns, inferred):
                self._answered(call, at_ns, inferred)
            case effects.Unanswered(at_ns):
                self._unanswered(call, at_ns)
            case effects.Dialled():
                self._dialled(call, effect)
            case effects.NumberKnown():
                self._number(call, effect)
            case effects.Progress(at_ns, tone):
                call.progress = Outcome.BUSY if tone is Tone.BUSY else Outcome.NO_ANSWER
                self._event("progress", at_ns, {"tone": tone.value, "outcome": call.progress.value})
            case effects.PrimaryOver(at_ns, length_ns):
                self._event("primary_answer", at_ns, {"length_s": round(length_ns / NS, 3)})
            case effects.Flash():
                self._flash(call, effect)
            case effects.Ended():
                self._ended(effect, "tone" if effect.by_tone else "sound" if effect.by_sound else "hook")
            case effects.Missed():
                self._missed(call, effect)
            case effects.PartDue(at_ns):
                self._part(call, at_ns)
            case effects.Marked(at_ns):
                self._marked(call, at_ns)

    def _seized(self, effect: effects.Seized) -> None:
        seized = self._clock.at(effect.at_ns)
        mode = mode_now(self.line, seized.wall_ns)
        self.panel.watched = mode is not Mode.OFF
        self._discard()
        self._last = self._last_ended_ns = None
        before, self.predecessor = self.predecessor, None
        if mode is Mode.OFF:
            return
        self.call = OngoingCall(self.line, self._rate, seized, effect.direction, mode)
        self.call.by_sound = effect.by_sound
        if (effect.resumed or effect.again) and before is not None:
            self.call.continues = before.call_id
            if before.told:
                self.call.inherited = Notice(outcome=NoticeOutcome.ANNOUNCED, reason="inherited")

    def _off_hook(self, call: OngoingCall, at_ns: int) -> None:
        call.off_hook_ns = at_ns
        first_sample = self.capture.start(call.id, at_ns)
        off_hook_sample = self.capture.position(at_ns)
        first_ns = at_ns - (off_hook_sample - first_sample) * NS // self._rate
        self._ops.append(ops.OpenCall(call.opening(self._retention_days, first_ns)))
        self._ops += call.taken_events()
        by_sound = self.machine.state is State.BY_SOUND  # heard seconds after it began
        self.panel.call_began(max(at_ns, self._now_ns) if by_sound else at_ns)
        for piece in list(self.capture.since(off_hook_sample)):
            if isinstance(piece, AudioFrame) and piece.first_sample >= off_hook_sample:
                self._heard(call, piece)

    def _answered(self, call: OngoingCall, at_ns: int, inferred: bool) -> None:
        call.answer(at_ns, inferred)
        self._answer_event(call)
        self._add(self.telling.begin(call, at_ns))
        # The answer is noticed late (its debounce); the notice is given the voices since.
        answer = self.capture.position(at_ns)
        for first, flag in zip(call.voice_at, call.voice, strict=True):
            if first >= answer:
                self.telling.voice(at_ns + (first - answer) * NS // self._rate, bool(flag))

    def _unanswered(self, call: OngoingCall, at_ns: int) -> None:
        call.unanswer()
        self.telling.unanswered(at_ns)
        self._event("unanswered", at_ns, {"dialled": call.dialling.text})

    def _dialled(self, call: OngoingCall, effect: effects.Dialled) -> None:
        """Everything so far is told each time: a call that is cut off keeps it."""
        if call.dialling.digit(effect.key, effect.began_ns, effect.level_dbm0):
            self._event("dialled", effect.at_ns, {"dialled": call.dialling.text})
            return
        self._event("keys", effect.at_ns, {"in_call_digits": msgspec.to_builtins(call.in_call_digits)})
        self._add(self.telling.dialled(call, effect.at_ns))

    def _number(self, call: OngoingCall, effect: effects.NumberKnown) -> None:
        """The whole frame goes into the call's own stream, whatever it says; before the off-hook, a little later."""
        caller = effect.caller
        kind = "caller_waiting" if effect.waiting else "caller_id"
        if effect.waiting:
            call.waiting.append(caller)
        elif not call.number_known(caller):
            kind = "caller_id_again"
        data: dict[str, object] = {
            "caller": msgspec.to_builtins(shown(caller)),
            "called": caller.called,
            "standard": caller.standard,
            "raw": caller.raw.hex(),
            "crc_ok": caller.crc_ok,
        }
        if self.capture.capturing:
            self._event(kind, effect.at_ns, data)
        else:
            call.early.append(ops.AddEvent(call.id, kind, effect.at_ns, data))

    def _flash(self, call: OngoingCall, effect: effects.Flash) -> None:
        call.flashes.append(call.at_s(effect.at_ns))
        call.dialling.flash(effect.at_ns + effect.length_ns)
        length_s = round(effect.length_ns / NS, 3)
        self._event("flash", effect.at_ns, {"at_s": call.at_s(effect.at_ns), "length_s": length_s})
        self.telling.flashed(effect.at_ns, effect.length_ns)

    def _ended(self, effect: effects.Ended, ended_by: str = "hook") -> None:
        call = self.call
        assert call is not None
        lost_to = None if self.panel.able else self.capture.position(effect.at_ns)
        self._ops += self.capture.finish(effect.decided_ns, lost_to)
        self._close(call, effect.at_ns, effect.outcome, ended_by)
        self.call, self._last, self._last_ended_ns = None, call, effect.at_ns
        self.panel.call_ended()
        if effect.by_tone:
            told = call.inherited is not None or call.told not in (None, NoticeOutcome.FAILED)
            self.predecessor = Predecessor(call.id, told)
        if call.mode is Mode.ON_BUTTON and not call.pressed:
            self._discard_due_ns = effect.at_ns + round(self.line.timers.mark_window_s * NS)

    def _missed(self, call: OngoingCall, effect: effects.Missed) -> None:
        if self.capture.capturing:  # since the primary answer
            self._ended(effects.Ended(effect.at_ns, effect.decided_ns, Outcome.MISSED))
            return
        self.call = None
        if call.mode is Mode.ON_BUTTON:
            return
        self._ops.append(ops.OpenCall(call.opening(self._retention_days)))
        self._ops += call.taken_events()
        self._close(call, effect.at_ns, Outcome.MISSED, "hook")

    def _part(self, old: OngoingCall, at_ns: int) -> None:
        cut = self.capture.position(at_ns)
        self._ops += self.capture.finish_at(cut, None if self.panel.able else cut)
        call = old.next_part(at_ns)
        call.inherited = self._close(old, at_ns, old.outcome_so_far, "part")
        self.call = call
        self._ops.append(ops.OpenCall(call.opening(self._retention_days)))
        if call.mode is Mode.ON_BUTTON and call.pressed:
            self._ops.append(ops.Press(call.id))
        self.capture.start_at(call.id, cut)
        self.panel.call_began(at_ns)
        if call.answered_ns is not None:
            self._answer_event(call)
            self._add(self.telling.begin(call, at_ns))

    def _marked(self, call: OngoingCall, at_ns: int) -> None:
        self._keep(call)
        mark = Mark(at_s=call.at_s(at_ns))
        call.marks.append(mark)
        self._event("mark", at_ns, {"at_s": mark.at_s, "kind": mark.kind.value, "by": mark.by})
        self.urgent = True
        self._add(self.telling.button(at_ns))

    def _marked_late(self, at_ns: int) -> None:
        call = self._last
        if call is None:
            return
        self._discard_due_ns = None
        self._keep(call)
        self._ops.append(ops.LateMark(call.id, Mark(at_s=call.at_s(at_ns))))
        self.urgent = True

    def _keep(self, call: OngoingCall) -> None:
        """on_button: somebody pressed, and every part of the call is to be kept."""
        if call.mode is Mode.ON_BUTTON and not call.pressed:
            call.pressed = True
            self._ops += [ops.Press(part) for part in call.parts]

    def _markable(self, now_ns: int) -> bool:
        """Whether a press now marks a call: the one in progress, or the one that ended just before."""
        if self.call is not None:
            return self.machine.state not in UNANSWERED
        window_ns = round(self.line.timers.mark_window_s * NS)
        return self._last_ended_ns is not None and now_ns - self._last_ended_ns <= window_ns

    def _discard(self) -> None:
        if self._discard_due_ns is not None and self._last is not None:
            self._ops += [ops.Discard(part, self.line.id) for part in self._last.parts]
        self._discard_due_ns = None

    # -- sound and record

    def _heard(self, call: OngoingCall, frame: AudioFrame) -> None:
        """One frame of a call: is it speech; the notice waits for a pause, its proof collects what came back."""
        proof = self.telling.frame(frame)
        if proof:
            self._add(proof)
        if self.telling.playing or len(frame.pcm) != self._frame_octets:
            return
        speech = self._voice.is_speech(frame.pcm)
        call.voice_at.append(frame.first_sample)
        call.voice.append(speech)
        if self.telling.waits:
            self.telling.voice(frame.mono_ns, speech)

    def _close(self, call: OngoingCall, ended_ns: int, outcome: Outcome, ended_by: str) -> Notice:
        notice, proof = self.telling.end(ended_ns)
        self._ops += proof
        speech = Speech()
        if call.answered_ns is not None:
            speech = call.speech(self.capture.position(call.answered_ns), self.capture.position(ended_ns))
        record = call.record(
            ended_ns,
            outcome,
            notice=notice,
            ended_by=ended_by,
            retention_days=self._retention_days,
            speech=speech,
        )
        self._ops.append(ops.CloseCall(call.id, self.line.id, record))
        return notice

    def _answer_event(self, call: OngoingCall) -> None:
        assert call.answered_ns is not None
        told = {
            "at": call.iso(call.answered_ns),
            "inferred": call.inferred,
            "direction": call.direction.value,
            "ring_s": call.ring_s,
        }
        self._event("answered", call.answered_ns, told)

    def _event(self, kind: str, mono_ns: int, data: dict[str, object]) -> None:
        """Into the stream of the call in progress."""
        if self.call is not None and self.capture.capturing:
            self._add([ops.AddEvent(self.call.id, kind, mono_ns, data)])

    def _add(self, found: list[ops.Op]) -> None:
        """Operations of the call in progress come after the audio captured before them."""
        if found and self.capture.capturing:
            self._ops += self.capture.take()
        self._ops += found
