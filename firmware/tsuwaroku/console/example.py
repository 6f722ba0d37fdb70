"""An example configuration with every key, its default and what it is for, made from the structs of `config`."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import msgspec

from tsuwaroku.config import (
    AnnouncementConfig,
    BoardConfig,
    CardConfig,
    LedgerYears,
    LineConfig,
    LineNotice,
    LineTimers,
    MediaConfig,
    ModePeriod,
    NoticeDecision,
    OfficeConfig,
    ServiceConfig,
    StoreConfig,
)
from tsuwaroku.console.example_words import COMMENTS, SECTIONS
from tsuwaroku.console.texts import japanese

Section = type[msgspec.Struct]
_TABLES: tuple[tuple[str, Section], ...] = (
    ("board", BoardConfig),
    ("store", StoreConfig),
    ("announcement", AnnouncementConfig),
    ("service", ServiceConfig),
    ("office", OfficeConfig),
    ("media", MediaConfig),
    ("ledger_years", LedgerYears),
)
_SAMPLES: dict[str, object] = {
    "channels": 8,
    "card_rate": 48_000,
    "rate": 48_000,
    "port": 1,
    "exempt_item": 4,
    **dict.fromkeys(LedgerYears.__struct_fields__, 5),
}
"""What to show for a key that has no default."""
_TABLE_SAMPLES = {"extensions": {"aomori": ("201",)}}
"""What a table without an entry could hold."""
_NESTED = (LineTimers, LineNotice, NoticeDecision)


def example_toml() -> str:
    """The text of the file. Keys that have a default are commented out with it; it loads as it is."""
    return "\n".join(_lines()) + "\n"


def _say(pair: tuple[str, str]) -> str:
    return pair[0] if japanese() else pair[1]


def _lines() -> Iterator[str]:
    yield f"# {_say(SECTIONS['file'])}"
    yield ""
    yield from _key("", "station", "")
    for name, section in _TABLES:
        yield ""
        yield f"# {_say(SECTIONS[name])}"
        yield f"[{name}]"
        yield from _keys(name, section)
        if section is BoardConfig:
            yield ""
            yield f"# {_say(SECTIONS['card'])}"
            yield "#[[board.card]]"
            card = CardConfig(name="usb", playback="usb", channels=4)
            for field in msgspec.structs.fields(CardConfig):
                yield from _key("card", field.encode_name, getattr(card, field.name))
    yield ""
    yield f"# {_say(SECTIONS['line'])}"
    yield "[[line]]"
    yield f'id = "1"  # {_say(COMMENTS["line.id"])}'
    yield from _keys("line", LineConfig)
    yield ""
    yield f"# {_say(SECTIONS['timers'])}"
    yield "[line.timers]"
    yield from _keys("timers", LineTimers)
    yield ""
    yield f"# {_say(SECTIONS['notice'])}"
    yield "[line.notice]"
    yield from _keys("notice", LineNotice)
    for direction in ("inbound", "outbound", "internal"):
        yield ""
        yield f"[line.notice.{direction}]"
        # The kind is written out: a table of a notice must have one.
        kind, *others = _keys("decision", NoticeDecision, getattr(LineNotice(), direction))
        yield kind
        yield others[0].removeprefix("#")
        yield from others[1:]
    yield ""
    yield f"# {_say(SECTIONS['timetable'])}"
    yield "#[[line.timetable]]"
    example = ModePeriod(days="mon-fri", start="17:15", end="08:30", mode=LineConfig(id="1").mode)
    for field in msgspec.structs.fields(ModePeriod):
        yield from _key("timetable", field.encode_name, getattr(example, field.name))


def _keys(table: str, section: Section, values: msgspec.Struct | None = None) -> Iterator[str]:
    for field in msgspec.structs.fields(section):
        default = getattr(values, field.name) if values is not None else field.default
        if (
            (field.required and values is None)
            or isinstance(default, _NESTED)
            or field.default_factory not in (msgspec.NODEFAULT, dict)
        ):
            continue
        if field.default_factory is dict:
            default = _TABLE_SAMPLES[field.name]
        if field.name in ("timetable", "card") and default == ():
            continue
        yield from _key(table, field.encode_name, default)


def _key(table: str, name: str, default: object) -> Iterator[str]:
    yield f"# {_say(COMMENTS[f'{table}.{name}' if table else name])}"
    yield f"#{name} = {_toml(_SAMPLES[name] if default is None else default)}"


def _toml(value: object) -> str:
    if isinstance(value, enum.Enum):
        return f'"{value.value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return str(value)
