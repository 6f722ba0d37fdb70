"""One call on its way to the ring: samples in, chunks of plaintext out, in stream order. No I/O, no cryptography."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Iterator

import msgspec
import numpy as np

from tsuwaroku.events import GapReason
from tsuwaroku.records.call import Audio, CallRecord, GapRecord, Run
from tsuwaroku.store.chunks import AUDIO_HEAD, CallEvent, CallOpening, pack_audio, pack_event, pack_gap, pack_opening
from tsuwaroku.store.chunks import pack_run as _pack_run
from tsuwaroku.store.flac import RunEncoder
from tsuwaroku.store.seal import CHUNK_OVERHEAD
from tsuwaroku.store.slot import EXTENT_HEADER, ITEM, MAX_CHUNK, padded

# what a chunk costs in an extent beyond its plaintext
CHUNK_COST = ITEM.size + CHUNK_OVERHEAD
_SAMPLE = 2
_FULL_SCALE = 32768
MAX_SPAN = 0xFFFF_FFFF  # samples that one chunk can name
_LONG_BACKLOG = 64  # entries; beyond it padding no longer matters


class _Frame(msgspec.Struct, gc=False):
    first_sample: int
    samples: int
    octets: bytes


class _Control(msgspec.Struct, gc=False):
    plaintext: bytes


class _Gap(msgspec.Struct, gc=False):
    record: GapRecord  # shared with the call's record; grows while it waits


class CallStream:
    """What of a call waits for the disk, and what its record will say of its sound."""

    def __init__(self, opening: CallOpening) -> None:
        self.opening = opening
        self.position: int | None = None  # in the line's stream, after the last sample or gap
        self.taken_until = 0  # the same, of what `next_chunk` has handed out
        self.pending_octets = 0
        self._pending: deque[_Frame | _Control | _Gap] = deque([_Control(pack_opening(opening))])
        self._encoder: RunEncoder | None = None
        self._encoded_until = 0
        self._audio = Audio(rate=opening.rate)
        self._whole = hashlib.sha256()
        self._run: hashlib._Hash | None = None  # None: the first run, whose digest is that of the whole so far
        self._run_first = 0
        self._peak = 0

    def audio(self, first_sample: int, pcm: bytes) -> None:
        """Samples S16LE. A jump ahead becomes a gap; what is there already is not taken twice."""
        pcm = pcm[: len(pcm) // _SAMPLE * _SAMPLE]
        self._come_to(first_sample)
        assert self.position is not None
        pcm = pcm[(self.position - first_sample) * _SAMPLE :]
        if not pcm:
            return
        if self._encoder is None:
            self._begin_run(self.position)
        assert self._encoder is not None
        self.position += len(pcm) // _SAMPLE
        self._encoder.write(pcm)
        self._whole.update(pcm)
        if self._run is not None:
            self._run.update(pcm)
        samples = np.frombuffer(pcm, "<i2")
        self._peak = max(self._peak, int(samples.max()), -int(samples.min()))

    def gap(self, first_sample: int, samples: int, reason: str) -> None:
        """`samples` samples are missing. Gaps that touch, wait and have one reason become one."""
        self._come_to(first_sample)
        assert self.position is not None
        samples = first_sample + samples - self.position
        if samples > 0:
            self._add_gap(samples, reason)

    def event(self, event: CallEvent) -> None:
        """Goes into the stream where the stream stands now."""
        chunk = pack_event(event)
        if len(chunk) > MAX_CHUNK:
            chunk = pack_event(CallEvent(event.kind, event.mono_ns, {"dropped_octets": len(chunk)}))
        self.control(chunk)

    def control(self, plaintext: bytes) -> None:
        """Any other chunk, at most 64 KiB."""
        self._pending.append(_Control(plaintext))

    def finish(self, record: CallRecord) -> None:
        """The last frame, and `record.audio` but for what it says of speech."""
        self._end_run()
        audio = self._audio
        if self.position is not None and audio.first_sample is not None:
            audio.samples = self.position - audio.first_sample
        if audio.runs:
            audio.pcm_sha256 = self._whole.hexdigest()
        if self._peak:
            audio.peak_dbfs = round(20 * math.log10(self._peak / _FULL_SCALE), 1)
        audio.speech_ratio = record.audio.speech_ratio
        audio.first_speech_s, audio.last_speech_s = record.audio.first_speech_s, record.audio.last_speech_s
        record.audio = audio

    def due(self, held: int) -> bool:
        """Whether anything but the `held` newest frames waits."""
        return len(self._pending) > held

    def hold_back(self, limit: int) -> int:
        """How many of the newest frames, at most `limit`, to leave for the next commit: as few as give the fewest
        blocks. Nothing but sound is ever left."""
        if len(self._pending) > _LONG_BACKLOG:
            return 0
        best, blocks = 0, self._blocks(0)
        for held in range(1, min(limit, len(self._pending)) + 1):
            if not isinstance(self._pending[-held], _Frame):
                break
            fewer = self._blocks(held)
            if fewer < blocks:
                best, blocks = held, fewer
        return best

    def next_chunk(self, room: int, held: int) -> bytes | None:
        """The next chunk's plaintext if one fits into `room` octets of an extent, else None."""
        limit = min(MAX_CHUNK, room - CHUNK_COST)
        if not self.due(held):
            return None
        head = self._pending[0]
        if isinstance(head, _Frame):
            return self._take_frames(limit, held)
        plaintext = head.plaintext if isinstance(head, _Control) else _gap_chunk(head.record)
        if len(plaintext) > limit:
            return None
        self._pending.popleft()
        if isinstance(head, _Gap):
            self.taken_until = head.record.first_sample + head.record.samples
        return plaintext

    def _take_frames(self, limit: int, held: int) -> bytes | None:
        frames: list[_Frame] = []
        samples, size = 0, AUDIO_HEAD
        while self.due(held) and isinstance(head := self._pending[0], _Frame):
            samples, size = samples + head.samples, size + len(head.octets)
            if size > limit or (frames and samples > self.opening.rate):
                break
            frames.append(head)
            self._pending.popleft()
        if not frames:
            return None
        octets = b"".join(f.octets for f in frames)
        self.pending_octets -= len(octets)
        first = frames[0].first_sample
        self.taken_until = frames[-1].first_sample + frames[-1].samples
        return pack_audio(first, self.taken_until - first, octets)

    def _blocks(self, held: int) -> int:
        cost = EXTENT_HEADER + sum(self._chunk_sizes(len(self._pending) - held))
        return padded(cost) if cost > EXTENT_HEADER else 0

    def _chunk_sizes(self, entries: int) -> Iterator[int]:
        """What the first so many entries will cost in an extent, in pieces."""
        samples = size = 0
        for entry, _ in zip(self._pending, range(entries), strict=False):
            if isinstance(entry, _Frame):
                length = len(entry.octets)
                if not samples or samples + entry.samples > self.opening.rate or size + length > MAX_CHUNK:
                    samples, size = 0, AUDIO_HEAD
                    yield CHUNK_COST + AUDIO_HEAD
                samples, size = samples + entry.samples, size + length
                yield length
            else:
                samples = 0
                text = entry.plaintext if isinstance(entry, _Control) else _gap_chunk(entry.record)
                yield CHUNK_COST + len(text)

    def _come_to(self, first_sample: int) -> None:
        if self.position is None:
            self.position = self._audio.first_sample = self.taken_until = first_sample
        elif first_sample > self.position:
            self._add_gap(first_sample - self.position, GapReason.RESTART)

    def _add_gap(self, samples: int, reason: str) -> None:
        self._end_run()
        assert self.position is not None
        last = self._pending[-1] if self._pending else None
        if isinstance(last, _Gap) and last.record.reason == reason and last.record.samples + samples <= MAX_SPAN:
            last.record.samples += samples
        else:
            record = GapRecord(first_sample=self.position, samples=samples, reason=str(reason))
            self._audio.gaps.append(record)
            self._pending.append(_Gap(record))
        self.position += samples

    def _begin_run(self, first_sample: int) -> None:
        self._encoder = RunEncoder(self.opening.rate, self._on_frame)
        self._encoded_until = self._run_first = first_sample
        self._run = hashlib.sha256() if self._audio.runs else None
        self.control(_pack_run(first_sample, self._encoder.header))

    def _end_run(self) -> None:
        if self._encoder is None or self.position is None:
            return
        self._encoder.finish()
        self._encoder = None
        digest = (self._run or self._whole).hexdigest()
        samples = self.position - self._run_first
        self._audio.runs.append(Run(first_sample=self._run_first, samples=samples, pcm_sha256=digest))

    def _on_frame(self, octets: bytes, samples: int) -> None:
        self._pending.append(_Frame(self._encoded_until, samples, octets))
        self._encoded_until += samples
        self.pending_octets += len(octets)


def _gap_chunk(record: GapRecord) -> bytes:
    return pack_gap(record.first_sample, record.samples, record.reason)
