"""scripts/bench: what the recorder costs on this machine. It prints figures and judges none: the exit code says only
whether they could be measured."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from tests.bench import fullsize, plans
from tests.bench.child import BenchError
from tests.bench.measure import Figure, machine
from tests.bench.plans import Size, Workplace

RING_SLOTS = 1 << 20
USAGE = """Usage: scripts/bench [ring | signalling] [--quick] [--runs N] [--profile] [--json] [...]

Measures the recorder on this machine and prints medians with their targets: CPU seconds per line-hour, peak memory,
disk and writes per hour of audio, lines a core sustains, lateness of the tick. tests/bench/README.md says how.

  ring                what a ring of 256 GB costs: disk, writes, start, memory, lists, rebuild, beside plain FLAC files,
                      SQLite and TinyDB; 3 runs of three minutes, as `--runs 3 --minutes 3 --live-seconds 0
                      --ring-slots 1048576` without the speed
  signalling          callers' numbers, digits and tones: what is missed, what is heard where nothing is, what it costs,
                      beside spandsp's own receivers and multimon-ng; with 10 h of speech, 10 minutes in all, 2 with
                      --quick, which takes a tenth. Of the options below it takes --json and --folder
  --runs N            runs of each measurement (default 5)
  --quick             2 runs of three minutes instead of 5 of ten, 10 s in real time instead of 30
  --lines N           lines (default 8)
  --minutes M         stream of each line (default 10)
  --call-seconds S    talk of each call (default: one call fills the stream)
  --live-seconds S    how long `run` is watched in real time (default 30; 0 leaves that out)
  --ring-slots N      also a ring of N slots: start, memory, lending, lists (1048576 are 256 GB; makes a sparse store
                      of 4 KiB a slot; default 0: left out)
  --profile           also where the CPU goes
  --json              one JSON document on standard output
  --folder DIR        where stores are made (default: a new temporary directory); the disk under it is measured
"""


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    if "-h" in arguments or "--help" in arguments:
        print(USAGE, end="")
        return 0
    args = parse(arguments)
    base = Path(tempfile.mkdtemp(prefix="tsuwaroku-bench-", dir=args.folder))
    try:
        document = (measure_signalling if args.what == "signalling" else measure)(args, base)
    except BenchError as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(base, ignore_errors=True)
    if args.json:
        print(json.dumps(document, ensure_ascii=False, indent=2))
    return 0


def parse(argv: list[str]) -> argparse.Namespace:
    """The options. Ends the program with the usage where they are wrong."""
    parser = argparse.ArgumentParser(add_help=False, usage=USAGE[len("Usage: ") :].rstrip())
    parser.add_argument("what", nargs="?", choices=["ring", "signalling"])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--lines", type=int, default=8)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--call-seconds", type=float)
    parser.add_argument("--live-seconds", type=float)
    parser.add_argument("--ring-slots", type=int, default=0)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args(argv)
    if args.what == "ring":
        args.runs, args.minutes = args.runs or 3, args.minutes or 3.0
        args.ring_slots, args.live_seconds = args.ring_slots or RING_SLOTS, 0.0
    if size_of(args).runs < 1 or args.lines < 1:
        parser.error("at least one run of one line")
    if size_of(args).seconds < 8 or size_of(args).live_s < 0:
        parser.error("at least 8 s of stream, and no negative time")
    if args.ring_slots < 0 or 0 < args.ring_slots < 1024:
        parser.error("a ring of at least 1024 slots, or none")
    return args


def size_of(args: argparse.Namespace) -> Size:
    """The size of the options, with the defaults of --quick or without."""
    runs = args.runs if args.runs is not None else 2 if args.quick else 5
    minutes = args.minutes if args.minutes is not None else 3.0 if args.quick else 10.0
    live_s = args.live_seconds if args.live_seconds is not None else 10.0 if args.quick else 30.0
    # `run` joins the stream where it begins and must not come to its end while it is watched.
    seconds = max(60 * minutes, live_s + 30.0 if live_s else 0.0)
    return Size(runs, args.lines, seconds, args.call_seconds or seconds, live_s)


def measure(args: argparse.Namespace, base: Path) -> dict[str, object]:
    """All of it, in order; printed as it comes unless --json."""
    size, about = size_of(args), machine()
    show = not args.json

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    place = Workplace(base, size, lambda text: tell(f"{text} …"))
    parts: list[tuple[str, Callable[[], list[Figure]]]] = [
        ("as fast as it can", lambda: plans.speed(place)),
        ("on disk", lambda: [*plans.disk(place, "talk"), *plans.disk(place, "noise")]),
        ("written, as fast as it can", lambda: plans.writes(place)),
    ]
    if args.what == "ring":
        parts = parts[1:]
    if size.live_s:
        parts.append(("in real time", lambda: [*plans.service(place), *plans.ticks(place)]))
    if args.ring_slots:
        parts.append(("at full size", lambda: fullsize.measured(base, args.ring_slots, size.runs)))
    if args.profile:
        parts.append(("where the CPU goes, seconds per line-hour", lambda: plans.profile(place)))
    if show:
        print("\n".join(head(about, size)))
    found = shown(parts, show, tell, lambda figures: [one.line() for one in figures])
    return {"machine": about, "size": asdict(size), "figures": [one.plain() for one in found]}


def measure_signalling(args: argparse.Namespace, base: Path) -> dict[str, object]:
    """The same of what is heard on a line."""
    from tests.bench import signalling  # numpy: --help works without it

    scale, about = signalling.QUICK if args.quick else signalling.FULL, machine()
    if not args.json:
        print(
            "\n".join([*machine_lines(about), ", ".join(f"{name} {value:g}" for name, value in asdict(scale).items())])
        )
        if missing := signalling.missing():
            print(f"left out, not installed: {', '.join(missing)}")
    found = shown(signalling.parts(base, scale), not args.json, lambda text: None, signalling.table)
    return {"machine": about, "size": asdict(scale), "figures": [one.plain() for one in found]}


def shown(
    parts: list[tuple[str, Callable[[], list[Figure]]]],
    show: bool,
    tell: Callable[[str], None],
    rows: Callable[[list[Figure]], Iterable[str]],
) -> list[Figure]:
    """What the parts measure, printed as it comes where it is to be shown."""
    found: list[Figure] = []
    for title, part in parts:
        figures = part()
        found += figures
        tell("")
        if show:
            print("\n".join([f"\n{title}", *rows(figures)]), flush=True)
    return found


def machine_lines(about: dict[str, str]) -> list[str]:
    return [
        f"{about['cpu']}, {about['cores']} cores, {about['memory']}; {about['kernel']}; Python {about['python']}",
        f"{about['date']}, load {about['load']}",
    ]


def head(about: dict[str, str], size: Size) -> list[str]:
    """Machine and size for a person."""
    model, now = machine_lines(about)
    calls = "one call a line" if size.call_s >= size.seconds else f"calls of {size.call_s:g} s"
    runs = "one run" if size.runs == 1 else f"medians of {size.runs} runs (and their range)"
    return [
        model,
        f"{now}; {runs}",
        f"{size.lines} lines × {size.seconds:g} s of raw talk, {calls}",
    ]


if __name__ == "__main__":
    sys.exit(main())
