"""The tables of a call script as TOML has them: their keys and types, and the errors of those."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from tsuwaroku.errors import ScriptError
from tsuwaroku.exchange.callerid import CallerId
from tsuwaroku.exchange.impaired import GOOD, Impair
from tsuwaroku.exchange.plan import PLAIN_DIAL, PLAIN_KEYPAD, PLAIN_PBX, Dialling, Direction, Keypad, Pbx, Pulse
from tsuwaroku.exchange.tones import Progress

_LineId = Annotated[str, Meta(min_length=1, max_length=16, pattern=r"^[0-9A-Za-z_.-]+$")]  # as in config.LineConfig

_Digits = Annotated[str, Meta(pattern=r"^[0-9*#]{0,64}$")]
_Keys = Annotated[str, Meta(pattern=r"^[0-9A-D*#]{1,64}$")]
_Volts = Annotated[float, Meta(ge=0.0, le=200.0)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class CallTable(_Table, frozen=True, kw_only=True):
    """A [[call]]. Seconds; `press`, `flash`, `breaks`, `keys`, `far_dtmf` and `waiting` count from the answer."""

    line: _LineId
    at: float
    direction: Direction
    dial: str = ""
    dialling: Dialling | None = None
    caller_id: CallerId | None = None
    rings: Annotated[int, Meta(ge=0, le=100)] = 2
    talk: float | None = None
    answer: bool = True
    far: str = ""
    near: str = ""
    press: tuple[float, ...] = ()
    flash: tuple[float, ...] = ()
    flash_dial: tuple[_Digits, ...] = ()  # dialled after the first flash, the second, ...; "" = nothing
    breaks: tuple[tuple[float, Annotated[float, Meta(ge=0.005, le=10.0)]], ...] = ()  # the loop opens for so long
    redial: _Digits = ""  # outbound: dialled anew, after a flash
    keys: tuple[tuple[float, _Keys], ...] = ()  # pressed in the talk
    far_dtmf: tuple[tuple[float, _Keys], ...] = ()  # by the other end
    waiting: tuple[float, ...] = ()  # a second call knocks
    waiting_id: CallerId | None = None
    end_tones: tuple[tuple[Progress, Annotated[float, Meta(gt=0.0)]], ...] = ()
    stuck_hook: Literal["", "on", "off"] = ""
    pulse: Pulse = PLAIN_DIAL
    keypad: Keypad = PLAIN_KEYPAD
    pbx: Pbx = PLAIN_PBX
    impair: Impair = GOOD


class LineTable(_Table, frozen=True, kw_only=True):
    """A [[line]]: what is so in every call of it. With `feed`, in volts, its contacts compare the line's voltage."""

    line: _LineId
    feed: _Volts | None = None
    hook_volts: _Volts | None = None
    ring_volts: _Volts | None = None
    loop_volts: _Volts | None = None
    pbx: Pbx = PLAIN_PBX
    impair: Impair = GOOD


class RawTable(_Table, frozen=True, kw_only=True):
    """A [[raw]]. Seconds of the stream. `hook` "on" is on-hook (idle), `ring` "on" is ringing voltage."""

    line: _LineId
    audio: str
    contacts: tuple[tuple[float, Literal["hook", "ring"], Literal["on", "off"]], ...] = ()
    press: tuple[float, ...] = ()
    mix_notice: bool = False


def read(path: Path) -> dict[str, Any]:
    """The script's TOML. Raises ScriptError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScriptError(
            f"cannot be read ({error.strerror})", where=str(path), remedy="name an existing call script"
        ) from error
    except UnicodeDecodeError as error:
        raise ScriptError("is not UTF-8 text", where=str(path), remedy="save the file as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScriptError(f"is not valid TOML: {error}", where=str(path), remedy="correct the line it names") from error


def tables_of(value: object, kind: str, path: Path) -> list[Mapping[str, object]]:
    """`value` as the list of tables it should be. Raises ScriptError."""
    if isinstance(value, list) and all(isinstance(table, dict) for table in value):
        return value
    raise ScriptError(f"{kind} is not a list of tables", where=str(path), remedy=f"write [[{kind}]], in two brackets")


_T = TypeVar("_T", CallTable, LineTable, RawTable)
# The tables within a table, by their key.
INNER: dict[str, type[msgspec.Struct]] = {
    "caller_id": CallerId,
    "waiting_id": CallerId,
    "pulse": Pulse,
    "keypad": Keypad,
    "pbx": Pbx,
    "impair": Impair,
}


def convert(table: Mapping[str, object], kind: type[_T], where: str) -> _T:
    """The table as a struct. Raises ScriptError: msgspec's words become key, fault and the keys there are."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        text, _, at = str(error).partition(" - at `$")
        key = re.sub(r"\[(\d+)\]", lambda m: f"[{int(m[1]) + 1}]", at.strip("`").lstrip("."))
        keys = INNER.get(key, kind).__struct_fields__
        raise ScriptError(
            f"{key}: {text}" if key else text,
            where=where,
            remedy="correct the value" if key and "field" not in text else f"the keys are {', '.join(keys)}",
        ) from error
