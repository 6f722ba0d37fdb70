"""A measured figure and the limits it has to keep, and the table of them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`low` and `high` are the limits, None where there is none; `why` is the rule or the reason for them."""

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    why: str = ""

    @property
    def kept(self) -> bool:
        return (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)

    @property
    def limit(self) -> str:
        if self.low is None:
            return f"≤ {show(self.high)}"
        return f"≥ {show(self.low)}" if self.high is None else f"{show(self.low)} to {show(self.high)}"

    @property
    def margin(self) -> float:
        """The distance to the nearer limit, in the unit; negative = broken."""
        room = [self.value - self.low] if self.low is not None else []
        room += [self.high - self.value] if self.high is not None else []
        return min(room)


def show(value: float | None) -> str:
    """Three places at most, and none that are not there."""
    if value is None:
        return ""
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−") if text not in ("-0", "0") else "0"


def table(figures: Iterable[Figure]) -> str:
    rows = ["| figure | limit | value | margin | because |", "|---|---|---|---|---|"]
    for f in figures:
        name = f"{f.name}, {f.unit}" if f.unit else f.name
        rows.append(f"| {name} | {f.limit} | {show(f.value)} | {show(f.margin)} | {f.why} |")
    return "\n".join(rows)


def broken(figures: Iterable[Figure]) -> list[str]:
    return [f"{f.name}: {show(f.value)} {f.unit}, limit {f.limit}" for f in figures if not f.kept]
