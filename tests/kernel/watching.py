"""Watching a box from outside for hours: its calls as they land in the ring, its size, its lamps against the disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.kernel.box import Box
from tests.kernel.office import off_hook_ns
from tests.kernel.tape import Tape, misheard
from tests.kernel.world import Glance
from tests.service.support import demo_key
from tsuwaroku.clock import NS
from tsuwaroku.events import ButtonPressed
from tsuwaroku.exchange.timeline import Timeline
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import StoredCall, read_headers, scan_call

MS = 1_000_000
# Promise 2 of the design, and what the panel's filter (15 ms) and an eye (20 ms) add.
LIGHTS_NS = 135 * MS
COVERS_NS = 2 * NS
EYE_NS = 60 * MS  # an eye, and the tick that a state of the lamp begins with
HANG_UP_NS = 1_700 * MS  # the rule of 1.5 s, and as above
WINK_NS = 400 * MS
WINDOW = 512  # slots: two lines fill some 20 in a minute


@dataclass
class Listener:
    """Takes every call that has ended out of the ring and holds it against the tape, while that still has it."""

    box: Box
    tape: Tape
    channels: Mapping[str, int]
    heard: set[bytes] = field(default_factory=set)
    commits: dict[str, list[list[int]]] = field(default_factory=dict)  # line -> each call's commits, monotonic ns
    complaints: list[str] = field(default_factory=list)
    samples: int = 0
    _distance: int | None = None
    _first: int = 0  # no slot before this one holds a call that was not heard

    def skip(self) -> None:
        """What the ring holds already was heard on another day."""
        store = Store.open(self.box.path)
        try:
            used = [header.slot for headers in read_headers(store).calls.values() for header in headers]
            self._first = max(used, default=-1) + 1
        finally:
            store.close()

    def listen(self) -> None:
        """Every call that is new. The recorder goes on; nothing is asked of it.

        The ring is filled in the order of its slots, so only those after the last one known can hold anything new.
        """
        store = Store.open(self.box.path)
        try:
            found = read_headers(store, range(self._first, min(self._first + WINDOW, store.ring.slots)))
            slots = [[header.slot for header in headers] for headers in found.calls.values()]
            new = [headers for call_id, headers in found.calls.items() if call_id not in self.heard]
            going_on = [headers[0].slot for headers in new if not self._call(store, scan_call(store, headers, None))]
            self._first = min(going_on) if going_on else max((own[-1] + 1 for own in slots), default=self._first)
        finally:
            store.close()

    def _call(self, store: Store, stored: StoredCall) -> bool:
        """Whether it has ended."""
        if not stored.last:
            return False
        self.heard.add(stored.call_id)
        line = stored.headers[0].line
        self.commits.setdefault(line, []).append([extent.header.mono_ns for extent in stored.extents])
        runs = list(CallReader(stored, store, demo_key(self.box.path)).pcm())
        said = self._misheard(line, runs) if runs else ""
        if stored.problems or said:
            self.complaints.append(f"{stored.id} on line {line}: {stored.problems or said}")
        return True

    def _misheard(self, line: str, runs: Sequence[tuple[int, bytes]]) -> str:
        distance, said = misheard(self.tape, self.channels[line], runs, self._distance)
        if not said:
            self._distance = distance
        self.samples += sum(len(pcm) // 2 for _, pcm in runs)
        return said


@dataclass(frozen=True, slots=True)
class Size:
    """A process at a moment: resident octets that are its own, descriptors, threads."""

    memory: int
    descriptors: int
    threads: int


def size_of(pid: int) -> Size:
    """From the kernel's own books."""
    proc = Path(f"/proc/{pid}")
    told = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    return Size(
        int(told["RssAnon"].split()[0]) * 1024, len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir()))
    )


def folder_octets(path: Path) -> int:
    """Of all files in a folder; the ring is of fixed size and therefore part of what must not grow."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def lamp_lies(
    line: str, calls: Sequence[Timeline], commits: Sequence[Sequence[int]], glances: Sequence[Glance], origin_ns: int
) -> Iterator[str]:
    """Every moment at which the lamp of a line was not what promise 2 says; `calls` and `commits` of this line."""
    lit = _lit(line, glances, origin_ns)
    lifted = [call for call in calls if off_hook_ns(call) is not None]
    with_sound = [[at - origin_ns for at in times] for times in commits]
    before_ns = 0
    for call in lifted:
        up_ns, down_ns = off_hook_ns(call) or 0, call.ended_ns
        winks = [(e.mono_ns, e.mono_ns + WINK_NS) for e in call.events if isinstance(e, ButtonPressed)]
        for begin_ns, end_ns in _outside([*lit, *winks], up_ns + LIGHTS_NS, down_ns):
            yield f"dark from {begin_ns / NS:.2f} to {end_ns / NS:.2f} s, off-hook since {up_ns / NS:.2f}"
        for begin_ns, end_ns in _inside(lit, before_ns, up_ns):
            yield f"lit from {begin_ns / NS:.2f} to {end_ns / NS:.2f} s, on-hook"
        own = [at for times in with_sound for at in times if up_ns <= at <= down_ns + 3 * NS]
        covered = [(up_ns, up_ns + COVERS_NS + EYE_NS), *((at, at + COVERS_NS + EYE_NS) for at in own)]
        for begin_ns, end_ns in _inside(lit, up_ns, down_ns + HANG_UP_NS):
            for from_ns, to_ns in _outside(covered, begin_ns, end_ns):
                yield f"lit from {from_ns / NS:.2f} to {to_ns / NS:.2f} s, and no commit covers it"
        before_ns = down_ns + HANG_UP_NS
    for begin_ns, end_ns in _inside(lit, before_ns, 1 << 62):
        yield f"lit from {begin_ns / NS:.2f} to {end_ns / NS:.2f} s, on-hook"


Span = tuple[int, int]


def _lit(line: str, glances: Sequence[Glance], origin_ns: int) -> list[Span]:
    spans: list[Span] = []
    since: int | None = None
    for glance in glances:
        at_ns = glance.mono_ns - origin_ns
        if line in glance.lit and since is None:
            since = at_ns
        elif line not in glance.lit and since is not None:
            spans.append((since, at_ns))
            since = None
    return spans if since is None else [*spans, (since, 1 << 62)]


def _inside(spans: Sequence[Span], begin: int, end: int) -> list[Span]:
    """What of the spans falls between two moments."""
    cut = [(max(a, begin), min(b, end)) for a, b in spans]
    return [(a, b) for a, b in cut if a < b]


def _outside(spans: Sequence[Span], begin: int, end: int) -> list[Span]:
    """What between two moments no span covers."""
    found: list[Span] = []
    for a, b in sorted(_inside(spans, begin, end)):
        if a > begin:
            found.append((begin, a))
        begin = max(begin, b)
    return [*found, (begin, end)] if begin < end else found
