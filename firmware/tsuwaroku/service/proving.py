"""Collects what came back on the pair while a notice was played, so that it can be proven to have been there."""

from __future__ import annotations

from collections.abc import Iterable

from tsuwaroku.events import AudioFrame, Gap
from tsuwaroku.notice.session import Played, Sound

# A call with beeps plays hundreds; the first ones prove the path.
MOST_PROOFS = 4
LONGEST_S = 90  # announcements are cut at a minute


class NoticeProver:
    """One line. The stretch is half a second before the first sample to half a second after the last."""

    def __init__(self, rate: int, present: bool) -> None:
        """`present`: whether what we play is on the captured pair at all (`Board.hears_itself`)."""
        self.margin = rate // 2
        self._present = present
        self._stretch: bytearray | None = None
        self._until: int | None = None
        self._kind: Sound | None = None
        self._broken = False
        self._proofs = 0

    def began(self, first_sample: int, recent: Iterable[AudioFrame | Gap]) -> None:
        """Playing began; `recent` are the pieces since `first_sample - margin`."""
        self._until = None
        self._broken = False
        if not self._present or self._proofs >= MOST_PROOFS:
            self._stretch = None
            return
        self._stretch = bytearray()
        for piece in recent:
            if isinstance(piece, AudioFrame):
                self._stretch += piece.pcm
            else:
                self._broken = True

    def frame(self, frame: AudioFrame) -> tuple[Sound, bytes] | None:
        """One more frame; the finished stretch when this was its last."""
        if self._stretch is None:
            return None
        self._stretch += frame.pcm
        if len(self._stretch) > LONGEST_S * 4 * self.margin:  # a board that never says it ended
            self._stretch = None
            return None
        if self._until is not None and frame.first_sample >= self._until:
            return self._finish()
        return None

    def gap(self) -> None:
        """Samples were lost: this stretch proves nothing."""
        self._broken = True

    def ended(self, end_sample: int, played: Played) -> tuple[Sound, bytes] | None:
        """Playing ended at a stream position. Only a whole sound is proven."""
        if self._stretch is None or not played.whole:
            self._stretch = None
            return None
        self._kind = played.kind
        self._until = end_sample + self.margin
        return None

    def cut(self) -> tuple[Sound, bytes] | None:
        """The call ends: a stretch that waited for its last half second is taken as it is."""
        proofs = self._finish() if self._until is not None and self._stretch is not None else None
        self._stretch, self._until, self._proofs = None, None, 0
        return proofs

    def _finish(self) -> tuple[Sound, bytes] | None:
        stretch, kind = self._stretch, self._kind
        self._stretch, self._until = None, None
        if stretch is None or kind is None:
            return None
        self._proofs += 1
        return (kind, b"" if self._broken else bytes(stretch))
