"""A board as data: which part's pin is on which net. All that comes after the schematic works on this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from hw.circuit.catalogue import CATALOGUE, Item

GROUND = "GND"
# The nets of line n on the telephone's side of the barrier, each behind "Ln_"; every other net is the Pi's (SELV).
TNV = frozenset(("A", "B", "PA", "PB", "M1", "M2", "Q1", "Q2", "T1A", "T1B", "J1", "J2", "K0", "K1", "K2"))


@dataclass(frozen=True, slots=True)
class Part:
    """One part on the board: its reference, the key of its catalogue entry, pin number → net (None = left open)."""

    ref: str
    item: str
    pins: Mapping[str, str | None]

    @property
    def about(self) -> Item:
        return CATALOGUE[self.item]

    def nets(self) -> list[str]:
        """The nets of its pins in the order of the pins, open ones left out."""
        return [net for net in self.pins.values() if net is not None]


@dataclass(frozen=True, slots=True)
class Netlist:
    """A board: its name, its parts by reference, and what SKiDL's electrical-rule check said of it."""

    name: str
    parts: Mapping[str, Part]
    complaints: tuple[str, ...] = ()

    def on(self, net: str) -> set[str]:
        """The references of the parts with a pin on `net`."""
        return {part.ref for part in self.parts.values() if net in part.pins.values()}

    def nets(self) -> set[str]:
        return {net for part in self.parts.values() for net in part.nets()}

    def line(self, number: int) -> dict[str, Part]:
        """The parts of line interface `number`: those with a reference of that hundred, R101 to R199 for line 1."""
        return {ref: part for ref, part in self.parts.items() if hundred(ref) == number}

    def without(self, ref: str) -> Netlist:
        return replace(self, parts={key: part for key, part in self.parts.items() if key != ref})

    def with_pins(self, ref: str, **pins: str) -> Netlist:
        """The same board with pins of `ref` on other nets; `p2="GND"` is pin 2."""
        part = self.parts[ref]
        moved = {**part.pins, **{name.removeprefix("p"): net for name, net in pins.items()}}
        return replace(self, parts={**self.parts, ref: replace(part, pins=moved)})

    def with_item(self, ref: str, item: str) -> Netlist:
        return replace(self, parts={**self.parts, ref: replace(self.parts[ref], item=item)})

    def save(self, path: Path) -> None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")


def load(path: Path) -> Netlist:
    return msgspec.json.decode(path.read_bytes(), type=Netlist)


def hundred(ref: str) -> int:
    """The hundred of a reference's number: R101 → 1, U1 → 0."""
    return int(ref.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) // 100


def is_tnv(net: str) -> bool:
    """Whether the net is on the telephone's side, by its name: L1_PA is, L1_SP is not."""
    head, _, tail = net.partition("_")
    return head[:1] == "L" and head[1:].isdigit() and tail in TNV


def joined(parts: Iterable[Part], through: Callable[[Part], Iterable[Iterable[str]]]) -> Callable[[str], str]:
    """Nets that hang together when each part joins the pins of each of its groups; answers a net with its group's name.

    `through(part)` gives the groups of pin numbers that the part joins; a part that gives none is a gap.
    """
    above: dict[str, str] = {}

    def find(net: str) -> str:
        while above.setdefault(net, net) != net:
            net = above[net]
        return net

    for part in parts:
        for group in through(part):
            nets = [net for pin in group if (net := part.pins[pin]) is not None]
            for net in nets[1:]:
                above[find(net)] = find(nets[0])
    return find
