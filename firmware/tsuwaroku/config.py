"""One frozen, validated configuration. Unknown keys, doubled contacts and impossible values never start.

The file is TOML; `tsuwaroku config check` reads it through `load`. Every timer's default comes from
the telephony facts (TTC/NTT values cited in GLOSSARY.md) and can be changed per line.
"""

from __future__ import annotations

import enum
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tsuwaroku.errors import ConfigError

# Also refuses inf: a timer that never runs out is a call that never ends.
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
_UNITS = {"KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": 1024 * GIB}


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Mode(enum.StrEnum):
    """When a line is recorded."""

    EVERY_CALL = "every_call"
    ON_BUTTON = "on_button"
    OFF = "off"


class NoticeKind(enum.StrEnum):
    """How the caller is told (Article 7(2)), or that an exception applies."""

    ANNOUNCEMENT = "announcement"
    BEEP = "beep"
    BOTH = "both"
    EXEMPT = "exempt"


class LineTimers(_Section, frozen=True, kw_only=True):
    """Every timer of the line machine (facts: call states). `_ms` and `_s` name the unit."""

    bounce_ms: Seconds = 10  # below the shortest 20 pps make, 13.9 ms; above contact bounce, 8 ms
    off_hook_idle_ms: Seconds = 100
    off_hook_ringing_ms: Seconds = 150
    glitch_ms: Seconds = 25
    pulse_max_ms: Seconds = 90
    flash_min_ms: Seconds = 300
    hang_up_s: Annotated[float, Meta(ge=0.5, le=2.5)] = 1.5
    ring_confirm_ms: Seconds = 40  # ringing voltage adding up to this within 250 ms is a ring
    ring_silence_ms: Seconds = 200  # no ringing voltage for this ends one ring
    ring_timeout_s: Seconds = 6.0
    car_ring_ms: Seconds = 800  # a longer ring is none of NTT's 0.5 s before a number,
    car_pause_ms: Seconds = 1200  # nor is one with a longer pause behind it
    ring_pause_s: Seconds = 3.0  # between two rings of one call there is less (facts: 2.89 s)
    sound_silence_s: Annotated[float, Meta(ge=5, le=600)] = 30.0  # ends a call that nothing but voices showed
    primary_data_s: Seconds = 3.0  # no number by then: the primary answer was a person's
    primary_s: Seconds = 7.0
    answer_inferred_s: Seconds = 4.0
    pulse_pause_ms: Seconds = 200  # a digit of dial pulses is over
    busy_cycles: Annotated[int, Meta(ge=2, le=60)] = 3  # of the busy tone end a call
    dial_tone_end_s: Annotated[float, Meta(ge=3, le=60)] = 5.0
    flash_tones_s: Seconds = 30.0  # tones so soon after a flash are of a consultation, and end no call
    pre_roll_s: Annotated[float, Meta(ge=0, le=10)] = 2.0
    mark_window_s: Annotated[float, Meta(ge=0, le=600)] = 60.0
    part_max_s: Annotated[float, Meta(ge=60, le=86_400)] = 4 * 3600.0


class NoticeDecision(_Section, frozen=True, kw_only=True):
    """What the city decided for one line and direction."""

    kind: NoticeKind  # never by default: a table without it would change what the city decided
    exempt_item: Annotated[int, Meta(ge=1, le=5)] | None = None
    decided_by: str = ""
    decided_on: str = ""
    basis: str = ""  # item 4: the earlier notice


class LineNotice(_Section, frozen=True, kw_only=True):
    """Article 7 for one line. The 不当要求 button may stop a notice under item 1."""

    inbound: NoticeDecision = NoticeDecision(kind=NoticeKind.ANNOUNCEMENT)
    outbound: NoticeDecision = NoticeDecision(kind=NoticeKind.ANNOUNCEMENT)
    internal: NoticeDecision = NoticeDecision(kind=NoticeKind.BEEP)
    button_stops: bool = True
    # After a flash the clerk may be dialling, to 119 or to a colleague; until the digits are known, speaking onto
    # that could spoil the dialling or an emergency call. A notice not yet given whole is given after it in any case.
    repeat_after_flash: bool = False
    latest_s: Annotated[float, Meta(ge=0, le=30)] = 3.0
    beep_every_s: Annotated[float, Meta(ge=5, le=60)] = 15.0


class ModePeriod(_Section, frozen=True, kw_only=True):
    """A weekly stretch in which another mode holds, e.g. nights. `days` like "mon-fri" or "sat,sun"."""

    days: str
    start: str
    end: str
    mode: Mode


class LineConfig(_Section, frozen=True, kw_only=True):
    """One extension line. Pins not given come from the board's description by `port`."""

    id: Annotated[str, Meta(min_length=1, max_length=16, pattern=r"^[0-9A-Za-z_.-]+$")]
    extension: str = ""
    department: str = ""
    card: str = ""  # the name of a [[board.card]]; empty = the board's own
    port: Annotated[int, Meta(ge=1, le=64)] | None = None  # on the board's own card also its connector
    mode: Mode = Mode.EVERY_CALL
    timetable: tuple[ModePeriod, ...] = ()
    timers: LineTimers = LineTimers()
    notice: LineNotice = LineNotice()
    hook: str = ""
    ring: str = ""
    lamp: str = ""
    button: str = ""
    speak: str = ""  # the output that connects the announcement path, where the board has one


class CardConfig(_Section, frozen=True, kw_only=True):
    """One more sound card: lines name it in `card`, and their `port` is then its channel, from 1.

    The recorded rate, period and buffer are the board's, for all its cards alike; how many channels it has is never
    guessed. `rate` is what it runs at, a multiple of the recorded rate.
    """

    name: Annotated[str, Meta(min_length=1, max_length=16, pattern=r"^[0-9A-Za-z_-]+$")]
    capture: str = ""  # default: the card of that name
    playback: str = ""  # empty: no announcement can be played on its lines
    rate: Annotated[int, Meta(ge=8000, le=192_000)] | None = None
    channels: Annotated[int, Meta(ge=1, le=32)]


class BoardConfig(_Section, frozen=True, kw_only=True):
    """Which hardware. `kind` names a module of `hal/hats`, or `virtual`.

    `capture`, `playback` and `channels` are of the board's own card, on which every line is that names no other.
    """

    kind: str = "virtual"
    capture: str = ""
    playback: str = ""
    rate: Annotated[int, Meta(ge=8000, le=48000)] = 8000
    # What its own card runs at, a multiple of `rate`; default: `rate`, or what the board's own card can.
    card_rate: Annotated[int, Meta(ge=8000, le=192_000)] | None = None
    channels: Annotated[int, Meta(ge=1, le=32)] | None = None
    period_ms: Annotated[int, Meta(ge=5, le=200)] = 20
    buffer_ms: Annotated[int, Meta(ge=40, le=4000)] = 500
    pin_factory: str = ""  # "" = as the board's description says; "lgpio" or "rpigpio"
    gpio_chip: str = ""  # the chip's label, e.g. "pinctrl-rp1"
    meter: str = ""  # the name of the ADC of the line voltages; "" = as the board's description says, "none" = none
    script: str = ""  # virtual board only: the call script it plays; empty = an office that never closes
    card: tuple[CardConfig, ...] = ()


class StoreConfig(_Section, frozen=True, kw_only=True):
    """Where and how much."""

    path: str = "/var/lib/tsuwaroku/store"
    device_key: str = ""  # default: keys/device.key in the store; on an appliance, off the SSD
    ring_size: str = ""  # e.g. "200 GiB"; default: what the guarantee needs
    retention: str = ""  # "3 months", "5年", …; default: retention_days, for ordinances that count in days
    retention_days: Annotated[int, Meta(ge=1, le=3660)] = 30
    off_hook_hours_a_day: Annotated[float, Meta(gt=0, le=24)] = 24.0
    hold_reserve: Annotated[float, Meta(ge=0, le=5)] = 0.1
    hold_years: Annotated[int, Meta(ge=1, le=10)] = 5  # a longer hold is taken for a slip of the pen
    accept_shorter: bool = False


class AnnouncementConfig(_Section, frozen=True, kw_only=True):
    """The recording that is played; empty = the one that ships in the package."""

    file: str = ""
    level_dbm0: Annotated[float, Meta(ge=-30, le=-3)] = -15.0  # facts: about -15 dBm mean
    emergency_numbers: tuple[str, ...] = ("110", "118", "119")


class ServiceConfig(_Section, frozen=True, kw_only=True):
    """How the processes run and meet."""

    socket: str = ""  # default: run/keeper.sock in the store
    group: str = "tsuwaroku"  # who may connect to the socket at all; what they may do is by the groups below
    manager_group: str = "tsuwaroku-manager"  # the 管理責任者's account
    handler_group: str = "tsuwaroku-handler"  # accounts that may be appointed as 管理取扱者 or deputy
    technician_group: str = "tsuwaroku-technician"
    # Whose telephone is whose: an account and its own extensions. Nobody decides alone on calls of his own.
    extensions: dict[str, tuple[str, ...]] = {}
    local_console: bool = False  # one person has the box to herself: the service's own account may do everything
    watchdog: str = ""  # the machine's watchdog device, e.g. "/dev/watchdog0"; empty: none
    watchdog_timeout_s: Annotated[int, Meta(ge=5, le=600)] = 15  # the most that a Raspberry Pi's can count


Years = Annotated[int, Meta(ge=1, le=100)] | None


class OfficeConfig(_Section, frozen=True, kw_only=True):
    """What papers and the public notice call the office, its people and its ordinance."""

    city: str = ""
    ordinance: str = ""  # its title
    form: str = "別記様式（第9条関係）"
    manager: str = "管財課長"  # the post that is 管理責任者 (Article 4(1)); requests are addressed to it
    personnel: str = "人事課長"  # the post that gets the second copy (Article 9(2))
    contact: str = ""  # department, telephone, address: where the public asks


class MediaConfig(_Section, frozen=True, kw_only=True):
    """Media for copies (Article 9(2)), and when they are due back (9(4))."""

    kind: Literal["usb", "virtual"] = "usb"
    folder: str = ""  # virtual media only: where they lie; a demonstration alone has such
    head_days: Annotated[int, Meta(ge=1, le=3660)] = 30  # where the approval names no day
    personnel_days: Annotated[int, Meta(ge=1, le=3660)] = 30  # the city's own rule


class LedgerYears(_Section, frozen=True, kw_only=True):
    """保存年限 of the words of people in each ledger, in years from the end of the fiscal year in which the matter was
    closed. None: kept for as long as the box is, for the ordinance names no number."""

    handlers: Years = None
    requests: Years = None
    media: Years = None
    disclosures: Years = None
    audit: Years = None  # why somebody listened, held a call, let a mark pass; and all that is of no other ledger

    def named(self) -> dict[str, int]:
        """The ledgers that have such a number."""
        return {name: years for name in self.__struct_fields__ if (years := getattr(self, name)) is not None}


class Config(_Section, frozen=True, kw_only=True):
    """The whole configuration."""

    station: str = ""
    board: BoardConfig = BoardConfig()
    store: StoreConfig = StoreConfig()
    announcement: AnnouncementConfig = AnnouncementConfig()
    service: ServiceConfig = ServiceConfig()
    office: OfficeConfig = OfficeConfig()
    media: MediaConfig = MediaConfig()
    ledger_years: LedgerYears = LedgerYears()
    line: tuple[LineConfig, ...]


def parse_size(text: str) -> int:
    """Octets of "200 GiB", "64MiB", "4096". Raises ConfigError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB|TiB)?\s*", text)
    if match is None:
        raise ConfigError(
            f"{text!r} is not a size", where="store.ring_size", remedy='write it like "200 GiB" or "512 MiB"'
        )
    return int(float(match[1]) * _UNITS.get(match[2] or "", 1))


def load(path: Path) -> Config:
    """Read and check a configuration file. Raises ConfigError naming the key and the remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot be read ({error.strerror})", where=str(path), remedy="name the file with --config FILE"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text", where=str(path), remedy="save the file as UTF-8") from error
    return parse(text, where=str(path))


def parse(text: str, *, where: str = "configuration") -> Config:
    """Check a configuration's text. Raises ConfigError."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not valid TOML: {error}", where=where, remedy="correct the line it names") from error
    try:
        config = msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error)), where=where, remedy=_remedy(str(error))) from error
    check(config, where=where)
    return config


def _explain(text: str) -> str:
    """msgspec's words with its JSON path turned into the file's own (`$.line[0].mode` → line[1].mode)."""
    return re.sub(r" - at `\$\.?(.*?)`", lambda m: f" (at {_from_one(m[1])})" if m[1] else "", text)


def _from_one(path: str) -> str:
    return re.sub(r"\[(\d+)\]", lambda m: f"[{int(m[1]) + 1}]", path)


def _remedy(text: str) -> str:
    if "unknown field" in text:
        return "remove the key or correct its spelling; `tsuwaroku config example` prints every key"
    return "`tsuwaroku config example` prints every key with its default"


def check(config: Config, *, where: str = "configuration") -> None:
    """What the types cannot say. Raises ConfigError."""
    if not config.line:
        raise ConfigError("names no line", where=where, remedy="add a [[line]] with an id for each extension")
    ids = [line.id for line in config.line]
    if twins := sorted({line for line in ids if ids.count(line) > 1}):
        raise ConfigError(f"two lines have the id {twins[0]}", where=where, remedy="give each line its own")
    _check_cards(config, where)
    ports = [(_port(line), line.id) for line in config.line if line.port is not None]
    _no_twins(ports, "the port", where)
    claims = [
        (pin, f"{line.id} ({name})")
        for line in config.line
        for name in ("hook", "ring", "lamp", "button", "speak")
        if (pin := getattr(line, name))
    ]
    _no_twins(claims, "the contact", where)
    for line in config.line:
        _check_line(line, where)
    if config.service.watchdog and config.board.kind == "virtual":
        raise ConfigError(
            "a virtual board is no reason to restart the machine",
            where=f"{where}: service.watchdog",
            remedy="remove service.watchdog, or name a real board",
        )
    if config.board.buffer_ms < 2 * config.board.period_ms:
        raise ConfigError(
            f"buffer_ms = {config.board.buffer_ms} is less than two periods",
            where=f"{where}: board",
            remedy="make buffer_ms at least twice period_ms",
        )
    if config.board.kind == "virtual" and config.board.rate != 8000:
        raise ConfigError(
            f"rate = {config.board.rate}: the simulated exchange speaks 8000 Hz",
            where=f"{where}: board",
            remedy="leave rate out, or name the HAT in board.kind",
        )
    if config.board.pin_factory not in ("", "lgpio", "rpigpio"):
        raise ConfigError(
            f"pin_factory = {config.board.pin_factory!r} is unknown",
            where=f"{where}: board",
            remedy='use "lgpio" (any Pi) or "rpigpio" (Pi 4 and older)',
        )
    if (config.media.kind == "virtual") != bool(config.media.folder):
        raise ConfigError(
            "virtual media need a folder, and others have none",
            where=f"{where}: media",
            remedy='set media.folder together with media.kind = "virtual", or leave both out',
        )
    if config.store.ring_size:
        parse_size(config.store.ring_size)


def _port(line: LineConfig) -> str:
    return f"{line.card}:{line.port}" if line.card else str(line.port)


def _check_cards(config: Config, where: str) -> None:
    """Every card has a name of its own and at least one line, and every line's card is there."""
    names = [card.name for card in config.board.card]
    if twins := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f"two cards are named {twins[0]}", where=f"{where}: board.card", remedy="give each card a name of its own"
        )
    for line in config.line:
        if line.card and line.card not in names:
            raise ConfigError(
                f"card = {line.card!r} is no card of the board",
                where=f"{where}: line {line.id}",
                remedy="add a [[board.card]] with that name, or leave card out for the board's own",
            )
    for name in names:
        if not any(line.card == name for line in config.line):
            raise ConfigError(
                f"no line is on the card {name}",
                where=f"{where}: board.card",
                remedy=f'set card = "{name}" in the lines that are on it, or remove the card',
            )


def _no_twins(claims: list[tuple[str, str]], what: str, where: str) -> None:
    owner: dict[str, str] = {}
    for thing, who in claims:
        if thing in owner:
            raise ConfigError(
                f"lines {owner[thing]} and {who} both use {what} {thing}",
                where=where,
                remedy="give each line its own",
            )
        owner[thing] = who


def _check_line(line: LineConfig, where: str) -> None:
    place = f"{where}: line {line.id}"
    for direction in ("inbound", "outbound", "internal"):
        decision: NoticeDecision = getattr(line.notice, direction)
        exempt = decision.kind is NoticeKind.EXEMPT
        if exempt and decision.exempt_item is None:
            raise ConfigError(
                f"notice.{direction} is exempt without an item",
                where=place,
                remedy="set exempt_item to the item of Article 7(2) that justifies it (1 to 5)",
            )
        if exempt and decision.exempt_item == 4 and not decision.basis:
            raise ConfigError(
                f"notice.{direction} claims item 4 (told beforehand) without naming that notice",
                where=place,
                remedy='set basis, e.g. basis = "代表番号の自動音声ガイダンス"',
            )
        if not exempt and decision.exempt_item is not None:
            raise ConfigError(
                f"notice.{direction} gives an exempt_item but is not exempt",
                where=place,
                remedy='remove exempt_item or set kind = "exempt"',
            )
    timers = line.timers
    if not timers.bounce_ms < timers.glitch_ms <= timers.pulse_max_ms <= timers.flash_min_ms < timers.hang_up_s * 1000:
        raise ConfigError(
            "timers must grow: bounce_ms < glitch_ms <= pulse_max_ms <= flash_min_ms < hang_up_s",
            where=place,
            remedy="correct the timers of this line or leave them out",
        )
    for period in line.timetable:
        for name in ("start", "end"):
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", getattr(period, name)):
                raise ConfigError(
                    f"timetable {name} = {getattr(period, name)!r} is not a time",
                    where=place,
                    remedy='write it like "17:15"',
                )
        weekdays(period.days, place)


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def weekdays(text: str, where: str = "timetable") -> frozenset[int]:
    """Day numbers (Monday = 0) of "mon-fri", "sat,sun", "daily". Raises ConfigError."""
    if text == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first not in _DAYS or (last and last not in _DAYS):
            raise ConfigError(
                f"days = {text!r} is not understood", where=where, remedy='write "mon-fri", "sat,sun" or "daily"'
            )
        day, end = _DAYS.index(first), _DAYS.index(last or first)
        days.add(day)
        while day != end:
            day = (day + 1) % 7
            days.add(day)
    return frozenset(days)


def mode_at(line: LineConfig, weekday: int, minute: int) -> Mode:
    """The mode of a line at `minute` of a day (Monday = 0). A period may run past midnight."""
    for period in line.timetable:
        start, end = (int(t[:2]) * 60 + int(t[3:]) for t in (period.start, period.end))
        days = weekdays(period.days)
        if start < end:
            if weekday in days and start <= minute < end:
                return period.mode
        elif (weekday in days and minute >= start) or ((weekday - 1) % 7 in days and minute < end):
            return period.mode
    return line.mode
