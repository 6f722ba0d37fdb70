"""Opening a call with a private key: its record, its sound, and whether both are what was sealed."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np

from tsuwaroku.clock import NS, from_iso
from tsuwaroku.errors import DamageError, RefusedError
from tsuwaroku.records.call import Audio, CallRecord, GapRecord, Integrity, Run
from tsuwaroku.store import chunks, flac
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.amendments import Amended, read_amendments
from tsuwaroku.store.chunks import CallEvent, CallOpening
from tsuwaroku.store.interrupted import record_of
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.scan import StoredCall
from tsuwaroku.store.seal import CallKey, PartOpener, card_fits, card_key, open_card, open_wrapped
from tsuwaroku.store.slot import FormatError, WrappedKey
from tsuwaroku.store.vouching import last_commits

if TYPE_CHECKING:
    from tsuwaroku.store.held import HeldStore
    from tsuwaroku.store.layout import Store

_PIECE_SAMPLES = 1 << 19  # about a minute at 8 kHz: a call of hours is never decoded in one go
_SPARE_RATE = 8000  # of a STREAMINFO made up where the call's own is lost; a frame says its own rate


def refuse_erased(amendments: Amended, call_id: bytes, shown: str) -> None:
    """Raises RefusedError for a call that has a tombstone (Article 8(1))."""
    stone = amendments.tombstone(call_id)
    if stone is not None:
        raise RefusedError(
            f"this call was erased on {stone.on} and is not read, whatever is left of it (Article 8(1))",
            where=shown,
            remedy="nothing can be done; the manager may hold calls only before they expire",
        )


class Check(msgspec.Struct, kw_only=True):
    """What decoding gave. `samples` spans the call, gaps included, as `Audio.samples` does."""

    samples: int
    pcm_sha256: str | None
    runs: list[Run]
    problems: list[str]


class _Run:
    """Samples without a gap, hashed as they come."""

    def __init__(self, first_sample: int) -> None:
        self.first_sample = first_sample
        self.samples = 0
        self._hash = hashlib.sha256()

    def add(self, pcm: bytes) -> None:
        self.samples += len(pcm) // 2
        self._hash.update(pcm)

    def done(self) -> Run:
        return Run(first_sample=self.first_sample, samples=self.samples, pcm_sha256=self._hash.hexdigest())


class CallReader:
    """One call, as far as it can be read. `wraps`: of its catalogue entry, for a call whose slots lost theirs.
    `amendments`: of the whole store; without them (never of a `HeldStore`) the journals are read, for keys and
    tombstones.

    Raises SecretError where this key does not open it, or is a demonstration key on a real store; RefusedError for a
    call with a tombstone, whatever is left of it.
    """

    def __init__(
        self,
        stored: StoredCall,
        store: Store | HeldStore,
        private_key: PrivateKey,
        wraps: Sequence[WrappedKey] = (),
        amendments: Amended | None = None,
    ) -> None:
        store.admit(private_key)
        known = amendments if amendments is not None else read_amendments(cast("Store", store))
        refuse_erased(known, stored.call_id, stored.id)
        self.stored = stored
        self._store = store
        wraps = [*stored.wraps, *wraps, *known.wraps(stored.call_id)]
        self._key = open_wrapped(wraps, private_key, stored.call_id, self._fits)
        self._run: _Run | None = None
        self._clear()

    def record(self) -> CallRecord:
        """The call's record; for an interrupted call computed from its stream. Raises DamageError if all is lost."""
        if self.stored.last and not self.stored.problems:
            card = self._card()
            if card is not None and (card.audio.runs or not card.audio.samples):
                return card
        for _ in self.pieces():
            pass
        sealed = self._manifest_record() or self._card()
        if sealed is None:
            if not self.stored.extents:
                raise DamageError("nothing of it can be read", where=self.stored.id, remedy="run `tsuwaroku verify`")
            return record_of(self.stored, self._opening, self._events, self._audio(), damaged=self._damaged)
        if self._damaged:
            sealed.integrity = Integrity.DAMAGED
        return sealed

    def events(self) -> list[CallEvent]:
        """What was noted in the call's own stream, the frames of callers' numbers among it."""
        for _ in self.pieces():
            pass
        return list(self._events)

    def pcm(self) -> Iterator[tuple[int, bytes]]:
        """(first sample, S16LE) of each stretch without a gap, whole: hours of sound at once. See `pieces`."""
        first, octets = 0, bytearray()
        for at, piece in self.pieces():
            if octets and at != first + len(octets) // 2:
                yield first, bytes(octets)
                octets = bytearray()
            if not octets:
                first = at
            octets += piece
        if octets:
            yield first, bytes(octets)

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """(first sample, S16LE) in order, about a minute each; what cannot be read is left out."""
        self._clear()
        start = expected = samples = 0
        header, frames = b"", bytearray()
        for kind, body in self._chunks():
            if kind == chunks.AUDIO:
                first, count, octets = chunks.unpack_span(body)
                if first != expected or samples >= _PIECE_SAMPLES:
                    yield from self._decoded(start, samples, header, frames)
                    start, samples, frames = first, 0, bytearray()
                frames += octets
                samples, expected = samples + count, first + count
            elif kind == chunks.RUN:
                yield from self._decoded(start, samples, header, frames)
                start, header = chunks.unpack_run(body)
                expected, samples, frames = start, 0, bytearray()
                self._run = None
            else:
                self._note(kind, body)
        yield from self._decoded(start, samples, header, frames)

    def last_commits(self) -> tuple[tuple[bytes, bytes], ...]:
        """As `vouching.last_commits`."""
        return last_commits(self._store, self.stored)

    @property
    def store_id(self) -> bytes:
        """Of the store the call is in."""
        return self._store.store_id

    def card_key(self) -> bytes:
        """What opens the call's card and nothing else of it: it goes along with a copy, to vouch for the record."""
        return card_key(self._key)

    def starts_at_s(self, record: CallRecord) -> float | None:
        """Where the first sample is by the offsets `at_s` of this record; None where the call does not say."""
        for _ in self.pieces():
            break  # the opening is its first chunk
        began = self._opening.details.get("first_sample_mono_ns") if self._opening is not None else None
        if not isinstance(began, int) or self._opening is None:
            return None
        origin_ns = from_iso(record.answered_at or record.seized_at) - from_iso(record.seized_at)
        return round((began - self._opening.seized.mono_ns - origin_ns) / NS, 3)

    def check(self) -> Check:
        """Decode everything and compare with manifest, card and public record."""
        for _ in self.pieces():
            pass
        return self.checked()

    def checked(self) -> Check:
        """The same for who has taken every one of the `pieces` already."""
        audio = self._audio()
        problems = self._faults + (self._differences(audio) if self.stored.last else [])
        return Check(samples=audio.samples, pcm_sha256=audio.pcm_sha256, runs=audio.runs, problems=problems)

    @property
    def _damaged(self) -> bool:
        return bool(self.stored.problems or self._faults)

    def _clear(self) -> None:
        self._faults: list[str] = []
        self._opening: CallOpening | None = None
        self._events: list[CallEvent] = []
        self._gaps: list[GapRecord] = []
        self._runs: list[_Run] = []
        self._run = None
        self._whole = hashlib.sha256()
        self._peak = 0
        self._manifest = b""
        self._final = False

    def _fits(self, key: CallKey) -> bool:
        """Whether the card, or the first chunk that is there, opens with it."""
        if self.stored.card and card_fits(self.stored.call_id, self.stored.card)(key):
            return True
        for header in self.stored.headers:
            extents = [extent for extent in self.stored.extents if extent.slot == header.slot]
            if extents:
                data, _ = self._store.ring.salvage(header.slot)
                opener = PartOpener(key, header.part, header.stream_header)
                place, length = extents[0].offset, extents[0].header.payload_length
                with contextlib.suppress(FormatError):
                    opener.pull(next(_sealed_chunks(data, place, length), b""))
                    return True
        return False

    def _chunks(self) -> Iterator[tuple[bytes, bytes]]:
        """(type, body) of every chunk that opens; a slot that stops opening costs its rest."""
        for header in self.stored.headers:
            data, _ = self._store.ring.salvage(header.slot)  # the scan has told what is not there
            opener = PartOpener(self._key, header.part, header.stream_header)
            try:
                for extent in self.stored.extents:
                    if extent.slot == header.slot:
                        yield from self._extent_chunks(opener, data, extent.offset, extent.header.payload_length)
            except FormatError as error:
                self._faults.append(f"slot {header.slot}: {error}")

    def _extent_chunks(self, opener: PartOpener, data: bytes, at: int, length: int) -> Iterator[tuple[bytes, bytes]]:
        for body in _sealed_chunks(data, at, length):
            plaintext, final = opener.pull(body)
            self._final = self._final or final
            yield plaintext[:1], plaintext[1:]

    def _note(self, kind: bytes, body: bytes) -> None:
        try:
            if kind == chunks.OPENING:
                self._opening = chunks.unpack_opening(body)
            elif kind == chunks.EVENT:
                self._events.append(chunks.unpack_event(body))
            elif kind == chunks.GAP:
                first, samples, reason = chunks.unpack_span(body)
                self._gaps.append(GapRecord(first_sample=first, samples=samples, reason=reason.decode()))
            elif kind in (chunks.MANIFEST, chunks.MANIFEST_PART):
                self._manifest += body
        except (FormatError, UnicodeDecodeError) as error:
            self._faults.append(str(error))

    def _decoded(self, first: int, samples: int, header: bytes, frames: bytearray) -> Iterator[tuple[int, bytes]]:
        if not samples:
            return
        try:
            pcm = flac.decode(header or flac.RunEncoder(_SPARE_RATE, lambda octets, count: None).header, bytes(frames))
        except FormatError as error:
            self._faults.append(f"sample {first}: {error}")
            return
        if len(pcm) != 2 * samples:
            self._faults.append(f"sample {first}: {len(pcm) // 2} samples decode, {samples} were sealed")
        if self._run is None or self._run.first_sample + self._run.samples != first:
            self._run = _Run(first)
            self._runs.append(self._run)
        self._run.add(pcm)
        self._whole.update(pcm)
        values = np.frombuffer(pcm, "<i2")
        if len(values):
            self._peak = max(self._peak, int(values.max()), -int(values.min()))
        yield first, pcm

    def _audio(self) -> Audio:
        """What the stream holds, in the words of the record."""
        runs = [run.done() for run in self._runs]
        spans = [(run.first_sample, run.samples) for run in runs]
        spans += [(gap.first_sample, gap.samples) for gap in self._gaps]
        first = min((at for at, _ in spans), default=None)
        return Audio(
            rate=self._opening.rate if self._opening is not None else _SPARE_RATE,
            first_sample=first,
            samples=max((at + count for at, count in spans), default=0) - (first or 0),
            gaps=self._gaps,
            pcm_sha256=self._whole.hexdigest() if runs else None,
            runs=runs,
            peak_dbfs=round(20 * float(np.log10(self._peak / 32768)), 1) if self._peak else None,
        )

    def _card(self) -> CallRecord | None:
        try:
            plaintext = open_card(self._key, self.stored.call_id, self.stored.card)
            return msgspec.json.decode(plaintext, type=CallRecord)
        except (FormatError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _manifest_record(self) -> CallRecord | None:
        try:
            return msgspec.json.decode(self._manifest, type=CallRecord) if self._final else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _differences(self, audio: Audio) -> list[str]:
        """Where what decodes is not what the manifest says, or card and public record say something else."""
        manifest, card, public = self._manifest_record(), self._card(), self.stored.public
        if manifest is None or card is None or public is None:
            return ["manifest, card or public record cannot be read"]
        names = ("first_sample", "samples", "gaps", "pcm_sha256", "runs", "peak_dbfs")
        found = [
            f"audio.{name} is not what was sealed"
            for name in names
            if getattr(audio, name) != getattr(manifest.audio, name)
        ]
        if card != manifest and card.audio.runs:
            found.append("the card differs from the manifest")
        shared = ("id", "sequence", "line", "outcome", "integrity", "continues")
        if any(getattr(public, name) != getattr(manifest, name) for name in shared) or (
            public.marks != len(manifest.marks) or public.retention.expires_on != manifest.retention.expires_on
        ):
            found.append("the public record differs from the manifest")
        return found


def _sealed_chunks(data: bytes, at: int, length: int) -> Iterator[bytes]:
    """Of the extent at this offset of a slot."""
    payload = data[at + fmt.EXTENT_HEADER : at + fmt.EXTENT_HEADER + length]
    return (body for kind, body in fmt.unpack_items(payload) if kind == fmt.ITEM_CHUNK)
