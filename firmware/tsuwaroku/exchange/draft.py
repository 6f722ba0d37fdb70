"""The edges and sounds of a call while they are collected, and the acts that calls are made of."""

from __future__ import annotations

import random
from collections.abc import Iterable

from tsuwaroku.clock import NS
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.exchange.plan import MS, CallPlan
from tsuwaroku.exchange.sound import DTMF_LOW_DBM0, DTMF_TWIST_DB, RINGING, Sound, Tone, dtmf, to_sample
from tsuwaroku.exchange.tones import SIGNALS, Cadence, Progress, Sines, samples

RING_ON_NS, RING_CYCLE_NS = NS, 3 * NS  # facts: ring and ring-back 1 s on, 2 s off
FLASH_NS = 600 * MS  # facts: PBXs accept a flash from 300-384 ms to 1.25 s
FAR_DB = -12.0  # facts: on a two-wire bridge the near end is 10-15 dB louder
# Facts: pulses 10 a second: break 52.7-77.8, make 27.3-46.7, pause >= 600 ms;
# 20 a second: break 29.6-38, make 13.9-19.6, pause >= 450 ms. Here: rate, make of a period, pause.
_PULSES: dict[str, tuple[float, float, int]] = {
    "pulse10": (10.0, 0.34, 700 * MS),
    "pulse20": (20.0, 0.34, 550 * MS),
}


def bounced(
    line: str,
    contact: Contact,
    active: bool,
    at_ns: int,
    rng: random.Random,
    *,
    pairs: int = 2,
    apart_ms: tuple[float, float] = (0.5, 3.0),
) -> list[ContactEdge]:
    """A contact that closes or opens at `at_ns`: that edge, and up to `pairs` pairs of bounces after it."""
    edges = [ContactEdge(line, contact, active, at_ns)]
    for n in range(2 * rng.randint(min(1, pairs), pairs)):
        at_ns += int(rng.uniform(*apart_ms) * MS)
        edges.append(ContactEdge(line, contact, active if n % 2 else not active, at_ns))
    return edges


class Draft:
    """A call in the making. Methods that take a time and give one say when the act is over."""

    def __init__(self, plan: CallPlan) -> None:
        self.plan = plan
        self.rng = random.Random(plan.seed)
        self.events: list[ContactEdge | ButtonPressed] = []
        self.flicker: list[ContactEdge | ButtonPressed] = []  # what ringing does to comparators
        self.sounds: list[Sound] = []
        self.primary_ns: tuple[int, int] | None = None
        self.sent = b""
        self.quiet_ns = plan.at_ns  # the end of the last ring, or of the primary answer after it

    def edge(self, contact: Contact, active: bool, at_ns: int, pairs: int = 2, most_ms: float = 3.0) -> None:
        self.events += bounced(self.plan.line, contact, active, at_ns, self.rng, pairs=pairs, apart_ms=(0.5, most_ms))

    def seen(self) -> list[ContactEdge | ButtonPressed]:
        """The events as the line's sensors show them."""
        plan = self.plan
        if plan.stuck_hook == "on":
            return [event for event in self.events + self.flicker if not _is_hook(event)]
        if plan.sensors is not None and plan.sensors.off_hook(True) == plan.sensors.off_hook(False):
            return [event for event in self.events if not _is_hook(event)] + self.flicker
        return self.events + self.flicker

    def ring(self, start_ns: int, end_ns: int) -> None:
        """Ringing voltage, and what of it is heard."""
        if self.plan.sensors is None:
            self.edge(Contact.RING, True, start_ns)
            self.edge(Contact.RING, False, end_ns)
        else:
            self.flicker += self.plan.sensors.rung(self.plan.line, start_ns, end_ns)
        self.sounds.append(Tone(to_sample(start_ns), to_sample(end_ns), RINGING))
        self.quiet_ns = end_ns

    def flash(self, at_ns: int) -> int:
        self.edge(Contact.HOOK, False, at_ns)
        self.edge(Contact.HOOK, True, at_ns + FLASH_NS)
        return at_ns + FLASH_NS

    def tone(self, sines: Sines, start_ns: int, end_ns: int, beat_hz: float = 0.0) -> None:
        """Sines at the frequencies that this line's exchange really has."""
        scale = self.plan.impair.scale
        scaled = tuple((hertz * scale, dbm0) for hertz, dbm0 in sines)
        self.sounds.append(Tone(to_sample(start_ns), to_sample(end_ns), scaled, beat_hz * scale))

    def signal(self, kind: Progress, start_ns: int, end_ns: int) -> int:
        """A tone of the exchange, in its cadence."""
        signal = SIGNALS[kind]
        dbm0 = self.plan.impair.tone_dbm0
        sines = signal.sines if dbm0 is None else tuple((hertz, dbm0) for hertz, _ in signal.sines)
        if not signal.off_s:
            if sines:
                self.tone(sines, start_ns, end_ns, signal.beat_hz)
            return end_ns
        scale, speed = self.plan.impair.scale, self.plan.impair.speed
        scaled = tuple((hertz * scale, dbm0) for hertz, dbm0 in sines)
        on, off = samples(signal.on_s / speed), samples(signal.off_s / speed)
        start, end = to_sample(start_ns), to_sample(end_ns)
        self.sounds.append(Cadence(start, end, scaled, on, off, signal.beat_hz * scale))
        return end_ns

    def tones(self, tones: Iterable[tuple[Progress, int]], now_ns: int) -> int:
        """One after the other."""
        for kind, length_ns in tones:
            now_ns = self.signal(kind, now_ns, now_ns + length_ns)
        return now_ns

    def ring_back(self, rings: int, now_ns: int) -> int:
        """Some rings at the other end, as they are heard here: ends with the last tone, not with the pause after it."""
        signal = SIGNALS[self.plan.pbx.ring_back or "ring_back"]
        dbm0, speed = self.plan.impair.tone_dbm0, self.plan.impair.speed
        sines = signal.sines if dbm0 is None else tuple((hertz, dbm0) for hertz, _ in signal.sines)
        on_ns, cycle_ns = round(RING_ON_NS / speed), round(RING_CYCLE_NS / speed)
        for n in range(rings):
            start_ns = now_ns + n * cycle_ns
            self.tone(sines, start_ns, start_ns + on_ns, signal.beat_hz)
        return now_ns + (rings - 1) * cycle_ns + on_ns if rings else now_ns

    def digits(self, digits: str, now_ns: int) -> int:
        """Dialled as the plan says."""
        return self.keys(digits, now_ns) if self.plan.dialling == "dtmf" else self._pulses(digits, now_ns)

    def keys(self, keys: str, now_ns: int, *, far: bool = False, on_ns: int = 0, pause_ns: int = 0) -> int:
        """Keys as tones, of the set on this line or of the `far` end."""
        impair, keypad = self.plan.impair, self.plan.keypad
        low_dbm0 = DTMF_LOW_DBM0 if impair.dtmf_dbm0 is None else impair.dtmf_dbm0
        twist_db = DTMF_TWIST_DB if impair.twist_db is None else impair.twist_db
        on_ns, pause_ns = on_ns or round(keypad.on_ms * MS), pause_ns or round(keypad.pause_ms * MS)
        for key in keys:
            self.tone(dtmf(key, low_dbm0 + FAR_DB * far, twist_db), now_ns, now_ns + on_ns)
            now_ns += on_ns + pause_ns
        return now_ns

    def _pulses(self, digits: str, now_ns: int) -> int:
        plan, pulse = self.plan, self.plan.pulse
        rate, make, pause_ns = _PULSES[plan.dialling]
        rate = (pulse.rate or rate) * plan.impair.speed
        make = pulse.make or make
        make_ns = round(NS / rate * make)
        break_ns = round(NS / rate) - make_ns
        for digit in digits:
            for _ in range(int(digit) or 10):
                # A dial's contact is cleaner than a hook switch; and 20 a second leave it 14 ms to settle.
                for active, at_ns in ((False, now_ns), (True, now_ns + break_ns)):
                    self.edge(Contact.HOOK, active, at_ns + self._jitter(), pairs=1, most_ms=pulse.bounce_ms)
                now_ns += break_ns + make_ns
            now_ns += pause_ns
        return now_ns

    def _jitter(self) -> int:
        most_ms = self.plan.pulse.jitter_ms
        return int(self.rng.uniform(-most_ms, most_ms) * MS) if most_ms else 0


def _is_hook(event: ContactEdge | ButtonPressed) -> bool:
    return isinstance(event, ContactEdge) and event.contact is Contact.HOOK
