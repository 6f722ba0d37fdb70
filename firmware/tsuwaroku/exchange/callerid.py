"""The `caller_id` of a call: what is sent of the caller, by which standard, and whether that makes sense."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tsuwaroku.errors import ScriptError
from tsuwaroku.exchange import frames
from tsuwaroku.exchange.impaired import Impair
from tsuwaroku.exchange.modem import BAUD, BELL_202, V23, Burst, framed

Kind = Literal["jclip", "bellcore_sdmf", "bellcore_mdmf", "etsi", "dtmf"]
FSK_DBM0 = -14.0
_Number = Annotated[str, Meta(pattern=r"^[0-9]{1,20}$")]
_Name = Annotated[str, Meta(pattern=r"^[ -~]{1,40}$")]


@dataclass(frozen=True, slots=True)
class Standard:
    """How a standard sends: `tones` None = as keys. Bits of seizure and of mark before the data, stop bits."""

    tones: tuple[float, float] | None
    seizure: int = 0
    mark: int = 0
    stop: int = 1
    reasons: frozenset[str] = frozenset({"withheld", "unavailable"})
    others: frozenset[str] = frozenset()


# Bits before the data: GR-30 and ETSI EN 300 659; for JCLIP, which the facts leave open, those of spandsp's sender.
STANDARDS: dict[str, Standard] = {
    "jclip": Standard(V23, 0, 75, 4, frozenset(frames.REASONS), frozenset({"called", "name"})),
    "bellcore_sdmf": Standard(BELL_202, 300, 180),
    "bellcore_mdmf": Standard(BELL_202, 300, 180, others=frozenset({"called", "name"})),
    "etsi": Standard(V23, 300, 180, others=frozenset({"called", "name"})),
    "dtmf": Standard(None),
}
# DTMF: a number between these keys (facts). For an absence there is no fact: D1C and D2C are what some exchanges send.
FORMS = {"A...C": ("A", "C"), "A...#": ("A", "#"), "...#": ("", "#"), "D...C": ("D", "C")}
_DTMF_REASONS = {"withheld": "D1C", "unavailable": "D2C"}
_OCTETS = re.compile(r" *([0-9A-Fa-f]{2} *){1,200}")
_WAITING_MARK = 80  # in a call there is no seizure (GR-30)


class CallerId(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of `number`, `absence` and `octets` (hex, sent as they are, whatever they mean)."""

    standard: Kind
    number: _Number | None = None
    absence: Literal["withheld", "payphone", "unavailable", "service_conflict"] | None = None
    called: _Number | None = None
    name: _Name | None = None
    octets: str | None = None
    corrupt: bool = False
    # All but jclip: before the first ring, or between it and the second. DTMF comes before it unless told otherwise.
    when: Literal["before", "between"] | None = None
    # jclip: the ringing that asks for the primary answer, whether anybody gives it, and whether data follows.
    cars: Annotated[int, Meta(ge=1, le=6)] = 2
    primary: bool = True
    fsk: bool = True
    form: Literal["A...C", "A...#", "...#", "D...C"] = "A...C"  # dtmf
    date: Annotated[str, Meta(pattern=r"^[0-9]{8}$")] = "04010900"  # MMDDhhmm: bellcore and etsi
    seizure_bits: Annotated[int, Meta(ge=0, le=600)] | None = None
    mark_bits: Annotated[int, Meta(ge=10, le=600)] | None = None
    stop_bits: Annotated[int, Meta(ge=1, le=4)] | None = None

    @property
    def by_keys(self) -> bool:
        return self.standard == "dtmf"

    @property
    def before_ring(self) -> bool:
        return (self.when or ("before" if self.by_keys else "between")) == "before"

    def frame(self) -> bytes:
        """The octets of a message sent by FSK."""
        if self.octets is not None:
            return bytes.fromhex(self.octets)
        letter = frames.REASONS.get(self.absence or "", "")
        if self.standard == "jclip":
            frame = frames.jclip(self._parameters(letter, jclip=True))
        elif self.standard == "bellcore_sdmf":
            frame = frames.sdmf(self.date, self.number or letter)
        else:
            frame = frames.mdmf([(frames.MDMF_DATE, self.date), *self._parameters(letter, jclip=False)])
        return frames.corrupted(frame) if self.corrupt else frame

    def keys(self) -> str:
        """The keys of a message sent by DTMF. A corrupt one breaks off before its end."""
        head, tail = FORMS[self.form]
        text = f"{head}{self.number}{tail}" if self.number else _DTMF_REASONS[self.absence or "unavailable"]
        return text[:-1] if self.corrupt else text

    def burst(self, start: int, impair: Impair, *, waiting: bool = False) -> Burst:
        """The message as sound from sample `start` on; `waiting`: in a call, to a set that listens already."""
        known = STANDARDS[self.standard]
        tones = known.tones or V23
        seizure = known.seizure if self.seizure_bits is None else self.seizure_bits
        mark = known.mark if self.mark_bits is None else self.mark_bits
        if waiting:
            seizure, mark = 0, self.mark_bits or _WAITING_MARK
        return Burst(
            start,
            framed(self.frame(), seizure, mark, self.stop_bits or known.stop),
            (tones[0] * impair.scale, tones[1] * impair.scale),
            FSK_DBM0 if impair.fsk_dbm0 is None else impair.fsk_dbm0,
            BAUD * impair.speed,
            impair.twist_db or 0.0,
        )

    def _parameters(self, letter: str, *, jclip: bool) -> list[frames.Parameter]:
        kinds = (
            (frames.JCLIP_NUMBER, frames.JCLIP_ABSENCE, frames.JCLIP_CALLED, frames.JCLIP_NAME)
            if jclip
            else (frames.MDMF_NUMBER, frames.MDMF_ABSENCE, frames.MDMF_CALLED, frames.MDMF_NAME)
        )
        values = (self.number, letter, self.called, self.name)
        return [(kind, value) for kind, value in zip(kinds, values, strict=True) if value]


def check(caller: CallerId, where: str) -> None:
    """Whether a table makes sense in itself. Raises ScriptError."""
    known = STANDARDS[caller.standard]
    said = (caller.number, caller.absence, caller.octets)
    fault, remedy = "", ""
    if sum(value is not None for value in said) != 1:
        fault = "caller_id: give a number, or the reason of its absence"
        remedy = "keep one of number, absence and octets"
    elif caller.octets is not None and (caller.by_keys or not _OCTETS.fullmatch(caller.octets)):
        fault = "caller_id: octets are up to 200, in hex, and for a standard that sends octets"
        remedy = 'write e.g. octets = "90 81 87"'
    elif caller.octets is not None and (caller.called or caller.name or caller.corrupt):
        fault, remedy = "caller_id: octets say all there is", "remove called, name and corrupt"
    elif caller.absence is not None and caller.absence not in known.reasons:
        fault = f"caller_id: {caller.standard} has no word for {caller.absence}"
        remedy = 'use withheld or unavailable, or standard = "jclip"'
    elif (caller.called or caller.name) and not known.others:
        fault = f"caller_id: {caller.standard} sends neither called number nor name"
        remedy = "remove them, or use jclip, bellcore_mdmf or etsi"
    elif caller.standard == "jclip" and caller.when is not None:
        fault, remedy = "caller_id: jclip is sent at the primary answer", "remove when"
    elif caller.standard != "jclip" and not (caller.primary and caller.fsk and caller.cars == 2):
        fault, remedy = "caller_id: only jclip has a primary answer", "remove cars, primary and fsk"
    elif not (caller.primary or caller.fsk):
        fault, remedy = "caller_id: without a primary answer nothing is sent anyhow", "remove fsk"
    if fault:
        raise ScriptError(fault, where=where, remedy=remedy)
