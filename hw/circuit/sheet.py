"""The only place that knows SKiDL: a sheet takes parts of the catalogue and nets by name, and gives back a Netlist.

Parts have explicit pins, so no KiCad library is needed. SKiDL looks for its libraries when it is imported, and writes
logs where it is run: hence the environment below, and `build`'s scratch directory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

for version in ("", "5", "6", "7", "8", "9", "10"):
    os.environ.setdefault(f"KICAD{version}_SYMBOL_DIR", os.devnull)

import skidl  # noqa: E402  (reads the environment)

from hw.circuit import catalogue as kinds  # noqa: E402
from hw.circuit.netlist import Netlist, Part  # noqa: E402

CATALOGUE = kinds.CATALOGUE
skidl.set_default_tool(skidl.SKIDL)
_TYPES = skidl.Pin.types
_KIND = {
    kinds.PASSIVE: _TYPES.PASSIVE,
    kinds.INPUT: _TYPES.INPUT,
    kinds.OUTPUT: _TYPES.OUTPUT,
    kinds.BIDIR: _TYPES.BIDIR,
    kinds.TRISTATE: _TYPES.TRISTATE,
    kinds.OPEN: _TYPES.OPENCOLL,
    kinds.POWER: _TYPES.PWRIN,
    kinds.SUPPLY: _TYPES.PWROUT,
}


_OWN = re.compile(r'\((date|source) "[^"]*"\)')


class Sheet:
    """A schematic in the making."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._circuit = skidl.Circuit(name=name)
        self._nets: dict[str, skidl.Net] = {}
        self._items: dict[str, str] = {}

    def net(self, name: str) -> skidl.Net:
        if name not in self._nets:
            self._nets[name] = skidl.Net(name, circuit=self._circuit)
        return self._nets[name]

    def power(self, name: str) -> None:
        """Says that the net is a supply though only passive parts feed it (behind a ferrite)."""
        self.net(name).drive = skidl.POWER

    def add(
        self,
        item: str,
        ref: str,
        *nets: str,
        at: Mapping[int, str] | None = None,
        kinds: Mapping[int, str] | None = None,
    ) -> None:
        """A part of the catalogue. `nets` are by pin order, `at` by pin number; a pin nobody names is left open.

        `kinds` overrides what pins are to the rule check, for connectors: what the other board does on them.
        """
        about = CATALOGUE[item]
        if ref in self._items:
            raise ValueError(f"{self.name} has two parts {ref}")
        if ref.rstrip("0123456789") != about.prefix:
            raise ValueError(f"{ref} is no reference for {item}: {about.prefix}…")
        self._items[ref] = item
        kind = kinds or {}
        part = skidl.Part(
            name=item,
            tool=skidl.SKIDL,
            dest=skidl.TEMPLATE,
            ref_prefix=about.prefix,
            pins=[
                skidl.Pin(num=number, name=name, func=_KIND[kind.get(int(number), default)])
                for number, name, default in about.pins
            ],
        )(ref=ref, value=about.value, tag=ref, footprint=about.footprint, circuit=self._circuit)
        order = [number for number, _, _ in about.pins]
        wanted = dict(zip(order, nets, strict=False)) | {str(pin): net for pin, net in (at or {}).items()}
        if unknown := set(wanted) - set(order):
            raise ValueError(f"{item} has no pin {sorted(unknown)}")
        for number in order:
            part[number] += self.net(wanted[number]) if number in wanted else self._circuit.NC

    def _name(self, net: skidl.Net) -> str | None:
        return None if net is self._circuit.NC else str(net.name)

    def finish(self, folder: Path) -> Netlist:
        """Runs the electrical-rule check, writes NAME.net (KiCad's form) into `folder`, and gives the netlist."""
        self._circuit.ERC()
        log = skidl.erc_logger
        complaints = (f"{log.error.count} errors", f"{log.warning.count} warnings")
        clean = log.error.count == log.warning.count == 0
        path = folder / f"{self.name}.net"
        text = self._circuit.generate_netlist(file_=str(path), tool=skidl.KICAD6)
        # Nothing of the day or of the machine, so that the same circuit gives the same file.
        path.write_text(_OWN.sub(r'(\1 "")', text), encoding="utf-8")
        parts = {
            part.ref: Part(
                part.ref,
                self._items[part.ref],
                {number: self._name(part[number].net) for number, _, _ in CATALOGUE[self._items[part.ref]].pins},
            )
            for part in self._circuit.parts
        }
        return Netlist(self.name, parts, () if clean else complaints)
