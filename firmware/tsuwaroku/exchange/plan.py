"""One call as a plan: what is to happen, in numbers that have been checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tsuwaroku.exchange.callerid import CallerId
from tsuwaroku.exchange.impaired import GOOD, Impair
from tsuwaroku.exchange.sensors import Sensors
from tsuwaroku.exchange.tones import Progress
from tsuwaroku.exchange.wav import Wav

MS = 1_000_000
Direction = Literal["inbound", "outbound", "internal"]
Dialling = Literal["dtmf", "pulse10", "pulse20"]


class Pbx(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `pbx` of a [[line]] or a [[call]]: how an exchange in the building differs from the city's."""

    dial_tone: Literal["dial", "internal"] | None = None
    outside: Annotated[str, Meta(pattern=r"^[0-9]{0,4}$")] | None = None  # dialled first, for a second dial tone
    ring_back: Literal["ring_back", "plain_ring_back"] | None = None

    def over(self, line: Pbx) -> Pbx:
        """This call's on that line's exchange."""
        pairs = {name: (getattr(self, name), getattr(line, name)) for name in self.__struct_fields__}
        return Pbx(**{name: own if own is not None else other for name, (own, other) in pairs.items()})


class Pulse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `pulse` of a [[call]]: how its dial turns. Facts: 10 ±1 or 20 ±1.6 a second; make 14 to 47 ms."""

    rate: Annotated[float, Meta(ge=5.0, le=25.0)] | None = None
    make: Annotated[float, Meta(ge=0.1, le=0.9)] | None = None  # of a period
    jitter_ms: Annotated[float, Meta(ge=0.0, le=5.0)] = 0.0  # each edge up to this early or late
    bounce_ms: Annotated[float, Meta(ge=0.5, le=8.0)] = 1.5  # between bounces, at the most


class Keypad(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `keypad` of a [[call]]. Facts: on for 50 ms or more, pause of 30 ms or more, 120 ms together."""

    on_ms: Annotated[float, Meta(ge=5.0, le=5000.0)] = 100.0
    pause_ms: Annotated[float, Meta(ge=5.0, le=5000.0)] = 100.0


PLAIN_DIAL, PLAIN_KEYPAD, PLAIN_PBX = Pulse(), Keypad(), Pbx()


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What is to happen. `talk_ns` 0 = nobody answers. `press_ns`, `flash_ns`, `breaks`, `keys`, `far_dtmf` and
    `waiting_ns` count from the answer.

    With `dial`, or lifted without a word (`outbound` and nothing dialled), the line's own set places the call;
    otherwise the line rings `rings` times. For a placed call `rings` are heard as ring-back. `far` and `near` replace
    the synthetic voices. `flash_dial` is what is dialled after each flash, `end_tones` what is heard, and how long,
    once the other end has hung up or the call has failed. `stuck_hook` is what the sensor goes on saying.
    """

    line: str
    at_ns: int
    direction: Direction
    rings: int
    talk_ns: int
    seed: int
    dial: str = ""
    dialling: Dialling = "dtmf"
    press_ns: tuple[int, ...] = ()
    flash_ns: tuple[int, ...] = ()
    far: Wav | None = None
    near: Wav | None = None
    caller_id: CallerId | None = None
    redial: str = ""
    breaks: tuple[tuple[int, int], ...] = ()  # (when, for how long) the loop opens, for whatever reason
    flash_dial: tuple[str, ...] = ()
    keys: tuple[tuple[int, str], ...] = ()
    far_dtmf: tuple[tuple[int, str], ...] = ()
    waiting_ns: tuple[int, ...] = ()
    waiting_id: CallerId | None = None
    end_tones: tuple[tuple[Progress, int], ...] = ()
    stuck_hook: Literal["", "on", "off"] = ""
    pulse: Pulse = PLAIN_DIAL
    keypad: Keypad = PLAIN_KEYPAD
    pbx: Pbx = PLAIN_PBX
    impair: Impair = GOOD
    sensors: Sensors | None = None

    @property
    def placed(self) -> bool:
        """From the line's own set."""
        return bool(self.dial) or self.direction == "outbound"
