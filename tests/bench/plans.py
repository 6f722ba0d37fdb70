"""The measurements, each a function from a workplace to figures. What each is and how, README.md says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import live, peer
from tests.bench.child import TSUWAROKU, BenchError, Usage, job, run
from tests.bench.measure import KIB, MIB, Figure, figure

CPU_TARGET_S = 4.0
RSS_TARGET_MIB = 120.0
DISK_TARGET = 1.5
WRITE_TARGET = 1.6
RATE = 8000


@dataclass(frozen=True, slots=True)
class Size:
    """How much is recorded. Seconds of stream a line; `call_s`: talk of one call; `live_s`: of `run`, 0 = left out."""

    runs: int
    lines: int
    seconds: float
    call_s: float
    live_s: float

    @property
    def line_hours(self) -> float:
        return self.lines * self.seconds / 3600


@dataclass(slots=True)
class Workplace:
    """A folder for material and stores. `say` is told what is being done."""

    folder: Path
    size: Size
    say: Callable[[str], None]
    made: set[str] = field(default_factory=set)

    def material(self, kind: str) -> Path:
        """The folder of this kind's script and WAVs, made once."""
        folder = self.folder / kind
        if kind not in self.made:
            self.say(f"rendering {kind}")
            size = self.size
            options = ("--lines", str(size.lines), "--seconds", str(size.seconds), "--call-seconds", str(size.call_s))
            job("material", folder, *options, "--kind", kind)
            self.made.add(kind)
        return folder

    def store(self, script: Path) -> tuple[Path, Usage]:
        """A new empty store for a script, and what making it cost. The one before it is gone."""
        store = self.folder / "store"
        shutil.rmtree(store, ignore_errors=True)
        return store, job("emptystore", script, store)

    def wavs(self, kind: str) -> list[Path]:
        return sorted(self.material(kind).glob("line*.wav"))


def simulate(script: Path, store: Path) -> Usage:
    """The command as a person types it. Raises BenchError unless every call is whole."""
    usage = run(TSUWAROKU, "simulate", script, "--store", store, "--fast", "--json")
    calls = usage.json()
    broken = [call["id"] for call in calls if call["integrity"] != "sealed" or call["audio"]["gaps"]]
    if not calls or broken:
        raise BenchError(f"{len(calls)} calls, not whole: {broken}")
    return usage


def speed(place: Workplace) -> list[Figure]:
    """CPU, memory and lines a core: ours and the peer's in turns, on the same WAVs."""
    size, script = place.size, place.material("talk") / "script.toml"
    making, ours, theirs = [], [], []
    for number in range(size.runs):
        place.say(f"simulate --fast and {peer.name()}, {number + 1} of {size.runs}")
        store, made = place.store(script)
        making.append(made)
        ours.append(simulate(script, store))
        theirs.append(peer.encode(place.folder / "flac", place.wavs("talk"))[0])
    hours = size.line_hours
    cpu = [usage.cpu_s / hours for usage in ours]
    plain = [usage.cpu_s / hours for usage in theirs]
    with_store = [(usage.cpu_s + made.cpu_s) / hours for usage, made in zip(ours, making, strict=True)]
    ratio = [mine / other for mine, other in zip(cpu, plain, strict=True)]
    pace = [size.seconds / usage.wall_s for usage in ours]
    rss = [usage.peak_rss / MIB for usage in ours]
    return [
        figure("cpu_fast", "CPU per line-hour, simulate --fast", "s", cpu, CPU_TARGET_S),
        figure("cpu_fast_with_store", "  the same, with the making of the ring", "s", with_store),
        figure("cpu_peer", f"  {peer.name()} on the same WAVs", "s", plain),
        figure("cpu_ratio", "  times the CPU of that peer", "×", ratio),
        figure("pace_fast", f"seconds of {size.lines} lines a second of wall time", "×", pace),
        figure("lines_fast", "lines one core sustains, by simulate --fast", "lines", [3600 / value for value in cpu]),
        figure("rss_fast", f"peak RSS, {size.lines} lines, simulate --fast", "MiB", rss, RSS_TARGET_MIB),
    ]


def disk(place: Workplace, kind: str) -> list[Figure]:
    """What the calls take on disk, against plain FLAC of the same samples. The same in every run, so done once."""
    place.say(f"disk, {kind}")
    script = place.material(kind) / "script.toml"
    store, _ = place.store(script)
    simulate(script, store)
    cut = place.folder / "cut"
    shutil.rmtree(cut, ignore_errors=True)
    found: dict[str, int] = job("disk", script, store, cut).json()
    plain = sum(peer.encode(place.folder / "cut-flac", [wav])[1] for wav in sorted(cut.glob("*.wav")))
    hours = found["samples"] / RATE / 3600
    pcm = 2 * found["samples"]
    talk_s = found["samples"] / RATE / found["calls"]
    return [
        figure(f"disk_{kind}_call_s", f"{kind}: length of a call", "s", talk_s),
        figure(
            f"disk_{kind}_slots", f"{kind}: disk per audio hour, slots in use", "MiB", per(found, "slot_octets", hours)
        ),
        figure(f"disk_{kind}_committed", "  committed in them", "MiB", per(found, "committed", hours)),
        figure(f"disk_{kind}_flac", "  plain FLAC level 5 of the same samples", "MiB", plain / MIB / hours),
        figure(f"disk_{kind}_ratio", "  slots in use / plain FLAC", "×", found["slot_octets"] / plain, DISK_TARGET),
        figure(f"disk_{kind}_ratio_committed", "  committed / plain FLAC", "×", found["committed"] / plain),
        figure(
            f"disk_{kind}_padding", "  of them padding to 4 KiB", "%", 100 * (1 - found["sealed"] / found["committed"])
        ),
        figure(f"disk_{kind}_pcm", "  committed / PCM", "×", found["committed"] / pcm),
    ]


def per(found: dict[str, int], key: str, hours: float) -> float:
    """MiB an hour."""
    return found[key] / MIB / hours


def writes(place: Workplace) -> list[Figure]:
    """Octets written and syncs, counted in the writing process; the same in every run, so done once."""
    place.say("counting writes")
    script = place.material("talk") / "script.toml"
    store, _ = place.store(script)
    counted = job("counted", script, store).json()
    found: dict[str, int] = job("disk", script, store, place.folder / "cut").json()
    counts: dict[str, dict[str, int]] = counted["counts"]
    empty = {"octets": 0, "writes": 0, "syncs": 0}
    total = sum(count["octets"] for count in counts.values())
    seconds = place.size.seconds
    ring = counts["ring"]
    if not total <= counted["asked"] <= total * 1.05 + 64 * KIB:
        raise BenchError(f"{total} octets were counted, the kernel was asked to write {counted['asked']}")
    figures = [
        figure(
            "written_sealed", "octets written per octet of sealed sound", "×", total / found["payload"], WRITE_TARGET
        ),
        figure("written_stored", "octets written per octet stored", "×", total / found["committed"]),
        figure("written_pcm", "octets written per PCM octet", "×", total / (2 * found["samples"])),
        figure("commits", f"group commits a second, {place.size.lines} lines", "1/s", counted["commits"] / seconds),
        figure("ring_syncs", "  fdatasync of ring files a second", "1/s", ring["syncs"] / seconds, 1.0),
    ]
    for area in ("journal", "catalogue", "audit", "rest"):
        count = counts.get(area, empty)
        figures.append(figure(f"written_{area}", f"  written to {area}", "KiB", count["octets"] / KIB))
        figures.append(figure(f"syncs_{area}", f"  syncs of {area}, in all", "", count["syncs"]))
    return figures


def service(place: Workplace) -> list[Figure]:
    """The processes of `run`, in real time, watched from outside."""
    size, folder = place.size, place.material("talk")
    watched = []
    for number in range(size.runs):
        place.say(f"run, {size.live_s:g} s in real time, {number + 1} of {size.runs}")
        store, _ = place.store(folder / "script.toml")
        watched.append(live.watch(folder / "config.toml", store, size.live_s))
        check_live(folder / "script.toml", store, place)
    shares = [run["recorder"].cpu_share for run in watched]
    both = [shares[n] + run["keeper"].cpu_share for n, run in enumerate(watched)]
    pair = [sum(run[role].peak_rss for role in live.ROLES) / MIB for run in watched]
    figures = [
        figure("cpu_recorder", f"recorder's share of a core, {size.lines} lines", "%", [100 * s for s in shares]),
        figure("cpu_both", "  recorder and keeper", "%", [100 * s for s in both]),
        figure("cpu_live", "  CPU per line-hour, recorder", "s", [3600 * s / size.lines for s in shares]),
        figure(
            "lines_live", "lines one core sustains, by the recorder's share", "lines", [size.lines / s for s in shares]
        ),
        figure("lines_both", "  by recorder and keeper", "lines", [size.lines / s for s in both]),
    ]
    for role in (*live.ROLES, live.SUPERVISOR):
        peak = [run[role].peak_rss / MIB for run in watched]
        figures.append(figure(f"rss_{role}", f"peak RSS, {size.lines} lines, {role}", "MiB", peak))
    figures.append(figure("rss_pair", "peak RSS, recorder and keeper", "MiB", pair, RSS_TARGET_MIB))
    three = [sum(process.peak_rss for process in run.values()) / MIB for run in watched]
    shared = [sum(process.pss for process in run.values()) / MIB for run in watched]
    figures.append(figure("rss_all", "  and the supervisor, where it starts the two", "MiB", three))
    figures.append(figure("pss_all", "  the three, pages they share counted once (PSS)", "MiB", shared))
    return figures


def check_live(script: Path, store: Path, place: Workplace) -> None:
    """Raises BenchError unless every line was recorded for as long as it was watched."""
    found: dict[str, int] = job("disk", script, store, place.folder / "cut").json()
    wanted = place.size.lines * place.size.live_s * RATE
    if found["samples"] < wanted:
        raise BenchError(f"run recorded {found['samples']} samples of at least {wanted:.0f}")


def ticks(place: Workplace) -> list[Figure]:
    """Lateness of the recorder's 20 ms tick, in its own process beside a keeper's."""
    folder, found = place.material("talk"), []
    for number in range(place.size.runs):
        place.say(f"tick, {place.size.live_s:g} s in real time, {number + 1} of {place.size.runs}")
        store, _ = place.store(folder / "script.toml")
        found.append(job("tick", folder / "config.toml", store, str(place.size.live_s)).json())
    how = "SCHED_FIFO" if all(run["realtime"] for run in found) else "normal priority"
    return [
        figure(f"tick_{name}", f"lateness of the 20 ms tick, {name} ({how})", "ms", [run[name] for run in found])
        for name in ("p50", "p99", "max")
    ]


def profile(place: Workplace) -> list[Figure]:
    """Where the CPU of simulate --fast goes, medians of all runs. Raises BenchError unless the areas are the whole."""
    script, found = place.material("talk") / "script.toml", []
    for number in range(place.size.runs):
        place.say(f"profile, {number + 1} of {place.size.runs}")
        store, _ = place.store(script)
        usage = job("profiled", script, store)
        shares: dict[str, float] = usage.json()
        # What the kernel says of the same process, less its end: no other load on the machine is in that comparison.
        if not 0.7 * usage.cpu_s <= sum(shares.values()) <= 1.05 * usage.cpu_s:
            raise BenchError(f"the areas add up to {sum(shares.values()):.2f} s of {usage.cpu_s:.2f}")
        found.append({area: seconds / place.size.line_hours for area, seconds in shares.items()})
    return [figure(f"profile_{area}", area, "s", [run[area] for run in found]) for area in found[0]]
