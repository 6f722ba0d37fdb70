"""What a box on real devices made of call scripts, held against what `simulate --fast` makes of the same ones.

`differences` is the comparison: a list of sentences, empty where records and sound are as they must be. `Moved` puts
scripts beside and after one another, so that one run of a box plays many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from tests.service.support import START, play
from tsuwaroku.clock import NS, from_iso
from tsuwaroku.config import AnnouncementConfig, LineTimers
from tsuwaroku.events import ButtonPressed, ContactEdge
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.virtual import LineSource
from tsuwaroku.records.call import CallRecord, Notice
from tsuwaroku.service.announcement import load_announcement

RATE = 8000
# An edge is pulled up to 1 ms late and seen at a tick of 1 ms (edges within one are merged by gpio-sim), the start of
# the world's sound is told as exactly, and records are written in milliseconds.
EDGE_NS = 5_000_000
# A batch for the disk, cut each second, takes all the sound there is, and that runs ahead of the ticks by their lag
# (hal/device.py, 30 ms) and a frame: a call that ends in between keeps the surplus.
SURPLUS_NS = 50_000_000
# What is inferred from sound is judged frame by frame, and frames of a card lie anywhere to those of a script.
FRAME_NS = 20_000_000
# A notice waits for a pause of the voices: half a second of frames without speech, so a few frames more or less.
PAUSE_NS = 200_000_000
BREAK_NS = round(LineTimers().flash_min_ms) * 1_000_000


class Moved:
    """A source that plays `later_ns` after its script says, on another line."""

    def __init__(self, source: LineSource, line: str, later_ns: int = 0) -> None:
        if later_ns * RATE % NS:
            raise ValueError(f"{later_ns} ns is no whole number of samples")
        self.line = line
        self.mixes_notice = source.mixes_notice
        self._source = source
        self._later_ns = later_ns
        self._later = later_ns * RATE // NS

    def events(self, start_ns: int, end_ns: int) -> list[ContactEdge | ButtonPressed]:
        found = self._source.events(max(0, start_ns - self._later_ns), max(0, end_ns - self._later_ns))
        return [msgspec.structs.replace(e, line=self.line, mono_ns=e.mono_ns + self._later_ns) for e in found]

    def read(self, first_sample: int, count: int) -> bytes | None:
        silence = min(count, max(0, self._later - first_sample))
        if silence == count:
            return bytes(2 * count)
        sound = self._source.read(first_sample + silence - self._later, count - silence)
        return bytes(2 * silence) + (sound or b"")

    def ends_ns(self) -> int | None:
        end = self._source.ends_ns()
        return None if end is None else end + self._later_ns


@dataclass(frozen=True, slots=True)
class Part:
    """A script on the lines of a box. `lines`: the script's name of a line -> the box's; others are left out."""

    script: Path
    lines: Mapping[str, str]
    later_ns: int = 0

    def sources(self) -> list[LineSource]:
        """What a world plays."""
        found = load_script(self.script).sources()
        return [Moved(source, self.lines[source.line], self.later_ns) for source in found if source.line in self.lines]

    def covers(self, call: CallRecord, origin_ns: int) -> bool:
        """Whether a call falls into the script's time: others may come before and after it on the same lines."""
        at_ns = from_iso(call.seized_at) - origin_ns - self.later_ns
        return -NS <= at_ns < round(load_script(self.script).duration_s * NS) + NS

    def calls(self, store: Path) -> list[CallRecord]:
        """What `simulate --fast` makes of it, in a new store."""
        return [call for call in play(self.script, store) if call.line in self.lines]


@dataclass(frozen=True, slots=True)
class Take:
    """What a box made of a run.

    `runs` are the stretches without a gap, (position in the card's stream, S16LE), of each call by its id. `given` is
    what each line carried from the world's time 0 on, S16LE; `origin_ns` is when that was, Unix time.
    """

    calls: Sequence[CallRecord]
    runs: Mapping[str, Sequence[tuple[int, bytes]]]
    given: Mapping[str, bytes]
    origin_ns: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of a record that may differ by so much."""

    what: str
    wanted_ns: int | None
    found_ns: int | None
    within_ns: int

    def __str__(self) -> str:
        if self.wanted_ns is None or self.found_ns is None:
            return f"{self.what}: {_seconds(self.found_ns)}, not {_seconds(self.wanted_ns)}"
        off_ms = (self.found_ns - self.wanted_ns) / 1e6
        return f"{self.what}: {_seconds(self.found_ns)}, {off_ms:+.1f} ms off {_seconds(self.wanted_ns)}"

    @property
    def differs(self) -> bool:
        if self.wanted_ns is None or self.found_ns is None:
            return self.wanted_ns is not self.found_ns
        return abs(self.found_ns - self.wanted_ns) > self.within_ns


def differences(wanted: Sequence[tuple[Part, Sequence[CallRecord]]], take: Take, *, lossy: bool = False) -> list[str]:
    """Everything in which records and sound differ; `wanted` are the parts with the calls of their simulations.

    Sound is compared to the sample, and must lie where the card took it. The lines of a take are those of one card.
    `lossy`: sound was lost on purpose. Gaps, what a gap does to a notice, and where sound lies are then not looked at.
    """
    found: list[str] = []
    places = find_places(take)
    lines: set[str] = set()
    for part, calls in wanted:
        lines |= set(part.lines.values())
        own = [call for call in take.calls if call.line in part.lines.values() and part.covers(call, take.origin_ns)]
        found += _records(part, calls, own, take.origin_ns, None if lossy else _distance(places), lossy)
    found += uncounted(take)
    found += [f"a call on line {call.line}, where no script is" for call in take.calls if call.line not in lines]
    return found if lossy else found + misplaced(take, places)


def _records(
    part: Part,
    wanted: Sequence[CallRecord],
    found: Sequence[CallRecord],
    origin_ns: int,
    distance: int | None,
    lossy: bool,
) -> Iterator[str]:
    told = [(call.line, call.direction.value, call.outcome.value) for call in found]
    asked = [(part.lines[call.line], call.direction.value, call.outcome.value) for call in wanted]
    if told != asked:
        yield f"{part.script.stem}: the calls are {told}, not {asked}"
        return
    mixed = {source.line: source.mixes_notice for source in part.sources()}
    for want, call in zip(wanted, found, strict=True):
        name = f"{part.script.stem}, line {call.line}, {_seconds(from_iso(want.seized_at) - START)}"
        if lossy:
            want, call = _without_sound(want), _without_sound(call)
        for text in _plain(want, call, mixed[call.line]):
            yield f"{name}: {text}"
        moments = [*_moments(want, call, START - part.later_ns, origin_ns)]
        if distance is not None:
            moments += _ends_of_sound(want, call, part.later_ns, distance)
        yield from (f"{name}: {moment}" for moment in moments if moment.differs)


def _without_sound(call: CallRecord) -> CallRecord:
    audio = msgspec.structs.replace(call.audio, gaps=[], samples=0)
    return msgspec.structs.replace(call, notice=Notice(), audio=audio)


def _plain(want: CallRecord, call: CallRecord, mixed: bool) -> Iterator[str]:
    """What must be the same to the letter."""
    for what, wanted, found in (
        ("answer inferred", want.answer_inferred, call.answer_inferred),
        ("notice", _notice(want, mixed), _notice(call, mixed)),
        ("marks", _marks(want), _marks(call)),
        ("flashes", len(want.flashes), len(call.flashes)),
        ("beeps", len(want.notice.repeats), len(call.notice.repeats)),
        ("ended by", want.ended_by, call.ended_by),
        ("integrity", want.integrity, call.integrity),
        ("gaps", want.audio.gaps, call.audio.gaps),
        ("continues", want.continues, call.continues),
        ("sound", want.audio.samples > 0, call.audio.samples > 0),
        ("number dialled", want.dialled, call.dialled),
    ):
        if wanted != found and not (what == "notice" and _on_the_brink(want)):
            yield f"{what}: {found}, not {wanted}"


def _notice(call: CallRecord, mixed: bool) -> tuple[object, ...]:
    """A simulation does not judge what it does not mix in; a card cannot know that, and has not heard it."""
    notice = call.notice
    return notice.outcome, notice.kind, notice.item, notice.reason, notice.heard if mixed else bool(notice.heard)


def _on_the_brink(call: CallRecord) -> bool:
    """Whether the call ended so soon before or after its announcement did that a pause found later decides otherwise.

    What plays goes on for as long as a break may still be no flash.
    """
    if call.notice.at_s is None or call.notice.item is not None:
        return False
    left_ns = from_iso(call.ended_at or "") - from_iso(call.answered_at or "") - round(call.notice.at_s * NS)
    length_ns = len(load_announcement(AnnouncementConfig(), RATE)) * NS // RATE
    return -PAUSE_NS - BREAK_NS <= left_ns - length_ns <= PAUSE_NS


def _marks(call: CallRecord) -> list[object]:
    return [(mark.kind, mark.by, mark.withdrawn) for mark in call.marks]


def _moments(want: CallRecord, call: CallRecord, zero_ns: int, origin_ns: int) -> Iterator[Moment]:
    def both(text: str | None, other: str | None) -> tuple[int | None, int | None]:
        return None if text is None else from_iso(text) - zero_ns, None if other is None else from_iso(
            other
        ) - origin_ns

    yield Moment("seized", *both(want.seized_at, call.seized_at), EDGE_NS)
    answered_ns = FRAME_NS + EDGE_NS if want.answer_inferred else EDGE_NS
    yield Moment("answered", *both(want.answered_at, call.answered_at), answered_ns)
    yield Moment("ended", *both(want.ended_at, call.ended_at), EDGE_NS)
    yield Moment("ring", round(want.ring_s * NS), round(call.ring_s * NS), EDGE_NS)
    # Offsets count from the answer, which is as good as said above.
    pairs: list[tuple[str, float | None, float | None, int]] = []
    pairs += [("flash", a, b, EDGE_NS) for a, b in zip(want.flashes, call.flashes, strict=False)]
    pairs += [("mark", a.at_s, b.at_s, EDGE_NS) for a, b in zip(want.marks, call.marks, strict=False)]
    pairs += [("beep", a, b, PAUSE_NS) for a, b in zip(want.notice.repeats, call.notice.repeats, strict=False)]
    if not _on_the_brink(want):
        pairs.append(("notice", want.notice.at_s, call.notice.at_s, PAUSE_NS))
    for what, wanted_s, found_s, within_ns in pairs:
        wanted = None if wanted_s is None else round(wanted_s * NS)
        yield Moment(what, wanted, None if found_s is None else round(found_s * NS), within_ns + answered_ns)


def _ends_of_sound(want: CallRecord, call: CallRecord, later_ns: int, distance: int) -> Iterator[Moment]:
    """Where a call's sound begins and ends in the world's stream."""
    if want.audio.first_sample is None or call.audio.first_sample is None:
        return
    first, end = want.audio.first_sample, want.audio.first_sample + want.audio.samples
    found_first = call.audio.first_sample - distance
    found_ns = (found_first + call.audio.samples) * NS // RATE
    # A script that begins with a call has less than the pre-roll before it; on the bench the card runs before.
    if first > 0:
        yield Moment("first sample", first * NS // RATE + later_ns, found_first * NS // RATE, EDGE_NS)
    end_ns = end * NS // RATE + later_ns
    yield Moment("end of sound", min(max(found_ns, end_ns), end_ns + SURPLUS_NS), found_ns, EDGE_NS)


def uncounted(take: Take) -> Iterator[str]:
    """Calls whose stretches and gaps do not add up to what their record says."""
    for call in take.calls:
        stored = sum(len(pcm) // 2 for _, pcm in take.runs.get(call.id, ()))
        told = call.audio.samples - sum(gap.samples for gap in call.audio.gaps)
        if stored != told:
            yield f"line {call.line}: {stored} samples are stored, {told} in the record"


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of sound: `first` in the card's stream, `place` in the world's (both in samples).

    `place` is None where the line carried it nowhere, or nobody can say where (silence).
    """

    line: str
    call: str
    first: int
    samples: int
    place: int | None

    @property
    def distance(self) -> int | None:
        return None if self.place is None else self.first - self.place


def find_places(take: Take) -> list[Place]:
    """Every stretch of every call, in the order of the calls, found by its sound alone."""
    return [
        Place(call.line, call.id, first, len(pcm) // 2, find(pcm, take.given[call.line]))
        for call in take.calls
        for first, pcm in take.runs.get(call.id, ())
    ]


def _distance(places: Sequence[Place]) -> int | None:
    """By how many samples the card's stream is ahead of the world's, by most of the stretches."""
    known = [place.distance for place in places if place.distance is not None]
    return max(set(known), key=known.count) if known else None


def misplaced(take: Take, places: Sequence[Place]) -> list[str]:
    """Stretches that are not what the line carried, sample for sample, at the card's one distance from the world."""
    distance = _distance(places)
    if distance is None:
        return ["no sound is what a line carried"]
    pcm = {(call, first): octets for call, own in take.runs.items() for first, octets in own}
    found = []
    for place in places:
        if place.distance == distance:
            continue
        sound = pcm[(place.call, place.first)]
        wanted = stretch(take.given[place.line], place.first - distance, place.samples)
        if sound == wanted:  # silence, mostly
            continue
        at = next(n for n in range(place.samples) if sound[2 * n : 2 * n + 2] != wanted[2 * n : 2 * n + 2])
        moved = "" if place.distance is None else f"; it lies {place.distance - distance:+} samples from there"
        when = _seconds((place.first - distance) * NS // RATE)
        found.append(f"line {place.line}: sound from {when} on differs from sample {at} on{moved}")
    return found


def find(pcm: bytes, stream: bytes) -> int | None:
    """The one place (in samples) in a stream where all of `pcm` lies, silence around the stream included.

    None where it lies nowhere, or in more than one place, as silence does.
    """
    # A tenth of a second in which the line is not silent tells where all of it must be.
    for at in range(0, len(pcm) - 1600, 1600):
        needle = pcm[at : at + 1600]
        if len(set(needle)) > 8:
            break
    else:
        return None
    places = []
    seen = stream.find(needle)
    while seen >= 0:
        if seen % 2 == 0 and stretch(stream, (seen - at) // 2, len(pcm) // 2) == pcm:
            places.append((seen - at) // 2)
        seen = stream.find(needle, seen + 1)
    return places[0] if len(places) == 1 else None


def stretch(stream: bytes, first: int, count: int) -> bytes:
    """`count` samples of a stream from `first` on; silence before its beginning and after its end."""
    before = min(count, max(0, -first))
    sound = stream[2 * (first + before) : 2 * (first + count)] if first + count > 0 else b""
    return (bytes(2 * before) + sound).ljust(2 * count, b"\0")


def columns(path: Path, lines: Mapping[str, int], channels: int) -> dict[str, bytes]:
    """What each line carried, from a world's record of everything it wrote; `lines` says which channel is whose."""
    table = np.fromfile(path, dtype="<i2").reshape(-1, channels)
    return {line: table[:, channel].tobytes() for line, channel in lines.items()}


def _seconds(ns: int | None) -> str:
    return "never" if ns is None else f"{ns / NS:.3f} s"
