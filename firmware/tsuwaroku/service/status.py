"""The live state of the box, as the keeper serves it: no numbers, no audio, no list of calls.

When a call was made is itself a record (Article 2), so the technician is shown what is now, and counts.
"""

from __future__ import annotations

import msgspec

from tsuwaroku.hal.board import Lamp


class VoltageStatus(msgspec.Struct, kw_only=True):
    """A line's voltage in the last second, A over B: mean, lowest, highest. `threshold` is what was learnt: nearer to
    zero than that, the line is off-hook. `dead`: there is no voltage at all.
    """

    volts: float
    low: float
    high: float
    threshold: float | None = None
    dead: bool = False


class LineStatus(msgspec.Struct, kw_only=True):
    """One line. `level_dbfs`: peak of the last second. `covered_s`: age of the last commit of the call in progress."""

    id: str
    extension: str
    department: str
    mode: str
    state: str
    lamp: Lamp
    level_dbfs: float | None = None
    call_id: str | None = None
    since: str | None = None
    marks: int = 0
    covered_s: float | None = None
    notice: str | None = None
    voltage: VoltageStatus | None = None


class Alarm(msgspec.Struct, kw_only=True):
    """A state that is not as it should be, until it resolves. `code` is a key of `alarms.ALARMS`."""

    code: str
    severity: str
    line: str
    since: str
    detail: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which machine the keeper runs on, so that a client knows whether it is on the box. `boot_id`: hex, of the kernel;
    `local_console`: as configured."""

    boot_id: str
    demonstration: bool
    local_console: bool


class RingStatus(msgspec.Struct, kw_only=True):
    """Slots. `full_on`: the day the ring is forecast to run full, where there is reason to warn of it."""

    slots: int
    free: int
    leased: int
    full_on: str | None = None


class RecorderStatus(msgspec.Struct, kw_only=True):
    """What the recorder reports a few times a second."""

    instance: str
    pid: int
    at: str
    ready: bool
    system_lamp: Lamp
    lines: list[LineStatus]
    alarms: list[Alarm]
    free_slots: int
    clock_quality: str


class Status(msgspec.Struct, kw_only=True):
    """GET /v1/status. `recorder` is null while no recorder is connected."""

    at: str
    station: str
    version: str
    store: str
    demonstration: bool
    recorder: RecorderStatus | None
    ring: RingStatus
    calls_today: int
    marks_today: int
    alarms: list[Alarm]
