"""What a ring of full size costs: a start, memory, lending round held calls, lists, and what listing writes."""

from __future__ import annotations

from pathlib import Path

from tests.bench.child import TSUWAROKU, BenchError, job, run
from tests.bench.measure import KIB, MIB, Figure, figure

FULL_SLOTS, FULL_CALLS = 1 << 20, 36_000
"""256 GB of slots; 1,200 calls a day for 30 days."""


def measured(base: Path, slots: int, runs: int) -> list[Figure]:
    """All of it at `slots` slots and as many calls as a ring of that size has. Raises BenchError."""
    calls = max(60, FULL_CALLS * slots // FULL_SLOTS // 30 * 30)
    return [
        *starts(base, slots, calls, runs),
        *laps(slots),
        *lists(base, calls, runs),
        *listing(base, calls // 30),
        *rebuilds(base, calls),
        *cuts(base, calls // 30),
        *erasures(base, calls // 30),
        *journals(base, max(31, 365 * slots // FULL_SLOTS)),
    ]


def starts(base: Path, slots: int, calls: int, runs: int) -> list[Figure]:
    """The first by every header, the others by the snapshot it left behind."""
    store = base / "fullring"
    job("atsize", "ring", store, str(slots), str(calls))
    usages = [job("atsize", "start", store) for _ in range(runs + 1)]
    first, *later = [usage.json() for usage in usages]
    if first["from_snapshot"] or not all(one["from_snapshot"] for one in later):
        raise BenchError("the snapshot was not made, or not used")
    return [
        figure("start_headers", f"start, every header read: {slots:,} slots, {calls:,} calls", "s", first["took"], 60),
        figure("start_table", "start from the snapshot", "s", [one["took"] for one in later], 5),
        figure("start_rss", "peak RSS of both", "MiB", [usage.peak_rss / MIB for usage in usages], 150),
        figure("table_size", "the snapshot", "MiB", first["table"] / MIB),
        figure("grant", "lending a slot, its header looked at", "µs", [one["grant"] for one in later]),
        figure("check", "the signature of a header, afterwards", "µs", [one["check"] for one in later]),
    ]


def laps(slots: int) -> list[Figure]:
    """Round and round a ring of made-up headers."""
    free, held = (job("atsize", "laps", str(slots), share).json() for share in ("0", "0.4"))
    return [
        figure("lap_free", "a slot lent and taken back, three laps, none held", "µs", free),
        figure("lap_held", "the same with 40 % held at random", "µs", held),
    ]


def lists(base: Path, calls: int, runs: int) -> list[Figure]:
    """Without the key, with it, and with it again; SQLite over the same public records beside it."""
    store, boxes = base / "month", str(base / "boxes")
    job("atsize", "month", store, str(calls))
    public = _list(calls, runs, store, "")
    first, *again = _list(calls, runs + 1, store, boxes)
    verbs = {
        name: [_verb(store, *arguments) for _ in range(runs)]
        for name, arguments in (
            ("calls", ("calls",)),
            ("calls with the key", ("calls", "--key", store / "demo.key")),
            ("find", ("find", "--line", "3")),
            ("find by a part of the number", ("find", "--key", store / "demo.key", "--number", "031234")),
        )
    }
    peer = [job("atsize", "sqlite", store, base / "calls.sqlite").json() for _ in range(runs)]
    return [
        figure("list_public", f"list of {calls:,} calls without the key", "s", took(public), 0.3),
        figure("list_sqlite", "the same public records from SQLite", "s", [one["took"] for one in peer]),
        figure("list_first", "list with the key, for the first time", "s", took([first]), 3),
        figure("list_again", "list with the key, from then on", "s", took(again), 0.3),
        *(
            figure(f"verb_{number}", f"  the verb {name}, the whole process", "s", found)
            for number, (name, found) in enumerate(verbs.items(), 1)
        ),
        figure("list_public_cpu", "CPU of the first of these", "s", took(public, "cpu")),
        figure("list_first_cpu", "CPU of the one for the first time, all threads", "s", took([first], "cpu")),
        figure("list_again_cpu", "CPU of the one from then on", "s", took(again, "cpu")),
    ]


def _verb(store: Path, *arguments: str | Path) -> float:
    """Seconds of a verb as a person types it, from the start of the program to its last line."""
    return run(TSUWAROKU, *arguments, "--store", store).wall_s


def took(runs: list[dict[str, float]], what: str = "took") -> list[float]:
    """One value of each run."""
    return [run[what] for run in runs]


def _list(calls: int, runs: int, store: Path, boxes: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = [job("atsize", "list", store, boxes).json() for _ in range(runs)]
    if {one["calls"] for one in found} != {calls}:
        raise BenchError("a list does not have every call")
    return found


def listing(base: Path, calls: int) -> list[Figure]:
    """What a day of calls costs the disk, a call."""
    (base / "day").mkdir()
    octets = job("atsize", "listing", base / "day", str(calls)).json()
    return [
        figure("listing", f"written to list a call, in a day of {calls:,}", "KiB", octets["ours"] / KIB),
        figure("listing_replaced", "the same with the day's file replaced for each", "KiB", octets["replaced"] / KIB),
        figure("listing_tinydb", "TinyDB's JSONStorage, neither whole nor synced", "KiB", octets["tinydb"] / KIB),
    ]


def rebuilds(base: Path, calls: int) -> list[Figure]:
    """Of a twelfth of the calls, a slot each, in proportion; every other slot of a ring costs a header's reading."""
    some, store = max(20, calls // 12), base / "calls"
    job("atsize", "calls", store, str(some))
    found = job("atsize", "rebuild", store).json()
    if found["calls"] != some:
        raise BenchError("the catalogue made again does not have every call")
    return [figure("rebuild", f"rebuild of {calls:,} calls, from {some:,}", "s", found["took"] * calls / some, 60)]


def cuts(base: Path, calls: int) -> list[Figure]:
    """What a power cut in an insert leaves."""
    (base / "cuts").mkdir()
    found = job("atsize", "cuts", base / "cuts", str(calls)).json()
    return [
        figure("cut_ours", "unreadable after a cut in a listing", "%", found["ours"], 0),
        figure("cut_tinydb", "  TinyDB's JSONStorage, any front of what it writes", "%", found["tinydb"]),
    ]


def erasures(base: Path, calls: int) -> list[Figure]:
    """A day's calls, a slot each, erased beside a recorder at work."""
    found = job("erasing", base / "erasing", str(calls)).json()
    if found["calls"] != calls:
        raise BenchError("not every call was erased")
    return [
        figure(
            "erased_written", "erasure: octets written per octet overwritten", "×", found["asked"] / found["octets"]
        ),
        figure("erased_pace", "  slots a second, with the keeper's naps", "1/s", calls / found["took"]),
        figure("erased_alone", "  the recorder's commit without it, median", "ms", found["alone"][0]),
        figure("erased_beside", "  beside it, median", "ms", found["beside"][0]),
        figure("erased_worst", "  beside it, the longest", "ms", found["beside"][1]),
    ]


def journals(base: Path, days: int) -> list[Figure]:
    """A keeper's start after so many days of calls, marks and erasures."""
    job("atsize", "journals", base / "journals", str(days))
    usage = job("atsize", "keeper", base / "journals")
    found = usage.json()
    return [
        figure("journals", f"journals of {days} days", "MiB", found["octets"] / MIB),
        figure("journals_start", "a keeper's start over them", "s", found["took"], 5),
        figure("journals_cpu", "  CPU of it", "s", found["cpu"]),
        figure("journals_rss", "  peak RSS", "MiB", usage.peak_rss / MIB, 150),
        figure("journals_poll", "  a poll after it", "ms", 1000 * found["poll"]),
    ]
