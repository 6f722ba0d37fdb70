"""scripts/fuzz: all that listens to a line, fed with what no exchange sends. Exit code 1: it found something."""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from tests.fuzz.targets import TARGETS, by_hypothesis

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args(argv)
    if args.minutes <= 0 or args.seed < 1:
        parser.error("more than no time, and a seed of at least 1")
    folder = args.folder or Path(tempfile.mkdtemp(prefix="tsuwaroku-fuzz-"))
    both = importlib.util.find_spec("atheris") is not None
    if not both:
        print("fuzz: atheris is not installed (scripts/setup --fuzz; x86-64 alone): hypothesis takes all the time")
    share_s = args.minutes * 60 / len(TARGETS) / (2 if both else 1)
    found = 0
    for name in TARGETS:
        found += not _hypothesis(name, share_s, args.seed)
        if both:
            found += not _atheris(name, share_s, args.seed, folder)
    print("nothing found" if not found else f"found in {found} of {len(TARGETS) * (1 + both)} runs; {folder}")
    return int(found > 0)


def _hypothesis(name: str, seconds: float, seed: int) -> bool:
    try:
        tried = by_hypothesis(TARGETS[name], seconds, seed)
    except Exception:
        traceback.print_exc()
        print(f"{name:<8} hypothesis  FOUND, see above; seed {seed}", flush=True)
        return False
    print(f"{name:<8} hypothesis  {tried:>8} scripts in {seconds:.0f} s", flush=True)
    return True


def _atheris(name: str, seconds: float, seed: int, folder: Path) -> bool:
    command = [sys.executable, "-m", "tests.fuzz.byatheris", name, str(max(round(seconds), 1)), str(seed), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 300, check=False)
    said = done.stdout + done.stderr
    units = re.search(r"number_of_executed_units: (\d+)", said)
    if done.returncode or units is None:
        print("\n".join(line for line in said.splitlines() if not line.startswith("#"))[-6000:])
        print(f"{name:<8} atheris     FOUND, see above; the script is in {folder}: run it with", flush=True)
        print(f"  .venv/bin/python -m tests.fuzz.byatheris {name} --again FILE", flush=True)
        return False
    reached = re.findall(r"cov: (\d+)", said)[-1:] or ["?"]
    print(f"{name:<8} atheris     {units[1]:>8} scripts in {seconds:.0f} s, {reached[0]} branches", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
