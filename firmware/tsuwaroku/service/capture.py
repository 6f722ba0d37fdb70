"""A line's audio on its way to a call: the pre-roll in RAM, exact first and last samples, loss as loss."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from tsuwaroku.clock import NS
from tsuwaroku.events import AudioFrame, Gap, GapReason
from tsuwaroku.service.ops import AddAudio, AddGap, Op

# What the pre-roll must reach back beyond its own length: the three seconds in which a voice is heard without a doubt
# on a line that says on-hook (longer than the debounce of an off-hook and a bounce burst before it), and the lag of
# ticks behind audio.
MARGIN_S = 4.5


class LineCapture:
    """Holds the last seconds of a line, and what of the call in progress has not been handed on.

    Which samples a call holds depends on times alone (`start`, `finish`), not on when frames were read: the same
    input gives the same call at any speed. What was handed on past its end before that end was decided stays, too; a
    real board's sound runs ahead of its ticks by their lag, and so far at most.
    """

    def __init__(self, rate: int, pre_roll_s: float, frame_s: float = 0.02) -> None:
        self._rate = rate
        self._pre_roll = round(pre_roll_s * rate)
        self._recent: deque[AudioFrame | Gap] = deque(maxlen=int((pre_roll_s + MARGIN_S) / frame_s) + 1)
        self._pending: list[AudioFrame | Gap] = []
        self._latest: AudioFrame | Gap | None = None
        self._call: bytes | None = None
        self._next = 0  # the call's next sample to hand on

    @property
    def capturing(self) -> bool:
        return self._call is not None

    def add(self, piece: AudioFrame | Gap) -> None:
        """One frame or gap of this line, in stream order."""
        self._recent.append(piece)
        self._latest = piece
        if self._call is not None:
            self._pending.append(piece)

    def position(self, mono_ns: int) -> int:
        """The stream position of a moment, by the tracked time of the latest piece. 0 before any audio."""
        latest = self._latest
        if latest is None:
            return 0
        offset = (mono_ns - latest.mono_ns) * self._rate
        return max(0, latest.first_sample + (offset + NS // 2) // NS)

    def latest(self, pieces: int) -> Iterator[AudioFrame | Gap]:
        """The last so many frames (or gaps) of the line, newest first."""
        return islice(reversed(self._recent), pieces)

    def since(self, first_sample: int) -> Iterator[AudioFrame | Gap]:
        """The pieces still in RAM that reach past `first_sample`."""
        return (piece for piece in self._recent if piece.first_sample + length(piece) > first_sample)

    def start(self, call_id: bytes, off_hook_ns: int) -> int:
        """A call begins: everything from the pre-roll before `off_hook_ns` on belongs to it. Its first sample."""
        return self.start_at(call_id, max(0, self.position(off_hook_ns) - self._pre_roll))

    def start_at(self, call_id: bytes, first_sample: int) -> int:
        """A call begins at a stream position (a linked part begins where the one before ended)."""
        self._call = call_id
        self._pending = list(self.since(first_sample))
        self._next = max(first_sample, self._pending[0].first_sample) if self._pending else first_sample
        return self._next

    def take(self) -> list[Op]:
        """What has come in since the last call of this, as operations."""
        pending, self._pending = self._pending, []
        return self._ops(pending, None)

    def finish(self, until_ns: int, lost_to: int | None = None) -> list[Op]:
        """The call ends at `until_ns`: the rest up to that very sample. What was handed on before stays."""
        return self.finish_at(self.position(until_ns), lost_to)

    def finish_at(self, end_sample: int, lost_to: int | None = None) -> list[Op]:
        """The call ends before this stream position. `lost_to`: the card is gone, and what did not come up to there
        will be told as a gap only when it is back."""
        pending, self._pending = self._pending, []
        ops = self._ops(pending, end_sample)
        if lost_to is not None and self._next < lost_to and self._call is not None:
            ops.append(AddGap(self._call, self._next, lost_to - self._next, GapReason.UNPLUGGED))
            self._next = lost_to
        self._call = None
        return ops

    def _ops(self, pieces: list[AudioFrame | Gap], end: int | None) -> list[Op]:
        call_id = self._call
        assert call_id is not None
        ops: list[Op] = []
        run: list[bytes] = []
        run_first = self._next

        def flush() -> None:
            if run:
                ops.append(AddAudio(call_id, run_first, b"".join(run)))
                run.clear()

        for piece in pieces:
            first, last = piece.first_sample, piece.first_sample + length(piece)
            last = last if end is None else min(last, end)
            start = max(first, self._next)
            if last <= start:
                continue
            if isinstance(piece, AudioFrame):
                if not run:
                    run_first = start
                whole = start == first and last - first == len(piece.pcm) // 2
                run.append(piece.pcm if whole else piece.pcm[(start - first) * 2 : (last - first) * 2])
            else:
                flush()
                ops.append(AddGap(call_id, start, last - start, piece.reason))
            self._next = last
        flush()
        return ops


def length(piece: AudioFrame | Gap) -> int:
    """Samples that a frame or gap spans."""
    return len(piece.pcm) // 2 if isinstance(piece, AudioFrame) else piece.samples
