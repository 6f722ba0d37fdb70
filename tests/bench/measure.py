"""What a benchmark says: figures with their medians and targets, and on which machine."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured, once a run. `target`: the median should be at most this; None = for information."""

    key: str
    text: str
    unit: str
    values: tuple[float, ...]
    target: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None where there is none."""
        return None if self.target is None else self.median <= self.target

    def line(self) -> str:
        """For a person: name, median, spread, target."""
        spread = "" if len(self.values) == 1 else f"  ({number(min(self.values))} to {number(max(self.values))})"
        verdict = "" if self.target is None else f"  target ≤{self.target:g}: {'met' if self.met else 'missed'}"
        return f"  {self.text:<58} {number(self.median):>9} {self.unit}{spread}{verdict}".rstrip()

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {
            "key": self.key,
            "text": self.text,
            "unit": self.unit,
            "median": self.median,
            "values": list(self.values),
            "target": self.target,
            "met": self.met,
        }


def figure(key: str, text: str, unit: str, values: Sequence[float] | float, target: float | None = None) -> Figure:
    """A Figure of several runs, or of one."""
    runs = (values,) if isinstance(values, float | int) else tuple(values)
    return Figure(key, text, unit, tuple(float(value) for value in runs), target)


def number(value: float) -> str:
    """Three significant digits, or all before the point; counts as they are."""
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def machine() -> dict[str, str]:
    """CPU model, cores, memory, kernel, Python, load and date. No host name: figures are passed on."""
    return {
        "cpu": cpu_model(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.2f}",
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def cpu_model() -> str:
    """As the kernel names it: the board on a Raspberry Pi, the processor on a PC."""
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text(encoding="utf-8").rstrip("\0")
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
