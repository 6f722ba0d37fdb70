"""The notice of Article 7 on one line: its session, what the board plays of it, and the proof that it was heard.

Methods return operations for the storage side, in order; the board is only told to play or to stop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

import msgspec

from tsuwaroku.clock import NS
from tsuwaroku.config import AnnouncementConfig, LineConfig
from tsuwaroku.errors import BoardError
from tsuwaroku.events import AudioFrame, Gap, Playback
from tsuwaroku.hal.board import Board
from tsuwaroku.notice.policy import Reason, decide, is_emergency
from tsuwaroku.notice.session import Effect, NoticeSession, Play, Sound
from tsuwaroku.records.call import Direction, Notice, NoticeOutcome
from tsuwaroku.service import ops
from tsuwaroku.service.ongoing import OngoingCall
from tsuwaroku.service.proving import NoticeProver


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


class Telling:
    """One line. Used by the recorder's thread only."""

    def __init__(self, line: LineConfig, board: Board, sounds: Sounds, announcement: AnnouncementConfig) -> None:
        self._line = line
        self._board = board
        self._sounds = sounds
        self._emergency = announcement.emergency_numbers
        self._prover = NoticeProver(board.rate, board.hears_itself(line.id))
        self._session: NoticeSession | None = None
        self._call: OngoingCall | None = None
        self._parked = False
        self.playing = False
        self.failed: str | None = None  # why the last call's notice failed; None when it did not

    @property
    def waits(self) -> bool:
        """Whether voices matter now."""
        return self._session is not None and self._session.deadline() is not None

    def state(self) -> str | None:
        """For the live view: null with no call, `due` before the notice, `playing`, then its outcome."""
        if self._session is None:
            return None
        if self.playing:
            return "playing"
        outcome = self._session.outcome().outcome
        return "due" if outcome is None else outcome.value

    def begin(self, call: OngoingCall, at_ns: int) -> list[ops.Op]:
        """Somebody answered: the decision is made, or inherited from the call this one continues."""
        dialled = self._emergency_of(call) or call.dialling.number
        plan = decide(self._line.notice, call.direction, dialled, self._emergency)
        self._call, self._parked = call, False
        if call.inherited is not None:
            self._session = NoticeSession.inherited(call.inherited, plan, self._line.notice, at_ns)
        else:
            self._session = NoticeSession(plan, self._line.notice, self._sounds.announcement_ns)
            self._carry_out(self._session.answered(at_ns))
        return self._news(at_ns)

    def dialled(self, call: OngoingCall, at_ns: int) -> list[ops.Op]:
        """A key was pressed in the call: if that makes an emergency number, nothing more is played onto it."""
        if self._session is None or self._emergency_of(call) is None:
            return []
        self._carry_out(self._session.withhold(Reason.EMERGENCY_NUMBER, at_ns))
        return self._news(at_ns)

    def unanswered(self, at_ns: int) -> None:
        """Nobody had answered: what was played was played to nobody, and the notice is due at the answer."""
        session, self._session = self._session, None
        if session is not None:
            self._carry_out(session.ended(at_ns))
            self._prover.cut()
        if self._call is not None:
            self._call.told = None
            self._call = None

    def voice(self, frame_ns: int, is_speech: bool) -> None:
        """One 20 ms frame since the answer."""
        if self._session is not None:
            self._carry_out(self._session.voice(frame_ns, is_speech))

    def frame(self, frame: AudioFrame) -> list[ops.Op]:
        """Every frame of a call: what came back of the notice is collected."""
        return self._proof(self._prover.frame(frame))

    def gap(self) -> None:
        """Samples were lost: what is being collected proves nothing."""
        self._prover.gap()

    def playback(self, event: Playback, recent: Iterable[AudioFrame | Gap]) -> list[ops.Op]:
        """The board began or ended playing; `recent` are the line's last pieces."""
        self.playing = event.playing
        session = self._session
        if session is None:
            return []
        self._carry_out(session.playback(event.playing, event.first_sample, event.mono_ns))
        if event.playing:
            begin = event.first_sample - self._prover.margin
            self._prover.began(event.first_sample, [piece for piece in recent if piece.first_sample >= begin])
            return []
        found = self._proof(self._prover.ended(event.first_sample, session.plays[-1])) if session.plays else []
        return found + self._news(event.mono_ns)

    def flashing(self, now_ns: int) -> None:
        """The hook is in a flash: nothing is played."""
        if self._session is not None and not self._parked:
            self._parked = True
            self._carry_out(self._session.flash(now_ns))

    def flashed(self, at_ns: int, length_ns: int) -> None:
        """The flash is over."""
        if self._session is not None:
            self.flashing(at_ns)
            self._carry_out(self._session.returned(at_ns + length_ns))
        self._parked = False

    def button(self, at_ns: int) -> list[ops.Op]:
        """不当要求: where configured it stops the notice under item 1."""
        if self._session is None:
            return []
        self._carry_out(self._session.button(at_ns))
        return self._news(at_ns)

    def tick(self, now_ns: int) -> None:
        """Time has come to `now_ns`."""
        session = self._session
        if session is not None:
            due = session.deadline()
            if due is not None and due <= now_ns:
                self._carry_out(session.tick(now_ns))

    def end(self, at_ns: int) -> tuple[Notice, list[ops.Op]]:
        """The call is over: how Article 7 was kept, and the last proof."""
        session, self._session = self._session, None
        if session is None:
            return Notice(), []
        found = self._proof(self._prover.cut())
        self._carry_out(session.ended(at_ns))
        notice = session.outcome()
        self.failed = notice.reason if notice.outcome is NoticeOutcome.FAILED else None
        self._call = None
        return notice, found

    def _emergency_of(self, call: OngoingCall) -> str | None:
        """The emergency number that was dialled, if one may have been."""
        prefixed = call.direction is not Direction.INTERNAL
        return next((one for one in call.dialling.tried if is_emergency(one, self._emergency, prefixed=prefixed)), None)

    def _news(self, at_ns: int) -> list[ops.Op]:
        """What has become of the notice goes into the call's own stream as soon as it is so: a call that is cut off
        keeps it, and the recorder that resumes the call knows whether its party was told."""
        call, session = self._call, self._session
        if call is None or session is None:
            return []
        notice = session.outcome()
        if notice.outcome is None or notice.outcome is call.told:
            return []
        call.told = notice.outcome
        news: list[ops.Op] = [ops.AddEvent(call.id, "notice", at_ns, msgspec.to_builtins(notice))]
        return news if notice.outcome is NoticeOutcome.FAILED else [*news, ops.Told(call.id)]

    def _carry_out(self, found: Sequence[Effect]) -> None:
        for effect in found:
            # A board that cannot play must not stop capture: without its word that it played, the notice has failed.
            with contextlib.suppress(BoardError):
                if isinstance(effect, Play):
                    self._board.play(self._line.id, self._sounds.of(effect.kind))
                else:
                    self._board.stop_playing(self._line.id)

    def _proof(self, found: tuple[Sound, bytes] | None) -> list[ops.Op]:
        if found is None or self._call is None:
            return []
        kind, captured = found
        return [ops.ProveNotice(self._call.id, self._line.id, kind.value, captured, self._sounds.of(kind))]
