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
from tsuwaroku.exchange.timeline import Dialling, Direction

_LineId = Annotated[str, Meta(min_length=1, max_length=16, pattern=r"^[0-9A-Za-z_.-]+$")]  # as in config.LineConfig


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class CallerId(_Table, frozen=True, kw_only=True):
    """What the exchange sends of the caller, and by which standard (facts: caller ID)."""

    standard: Literal["jclip", "sdmf", "mdmf", "etsi_mdmf", "dtmf"]
    number: Annotated[str, Meta(pattern=r"^[0-9]{1,20}$")] | None = None
    absence: Literal["withheld", "payphone", "unavailable"] | None = None


class CallTable(_Table, frozen=True, kw_only=True):
    """A [[call]]. Seconds; `press` and `flash` count from the answer."""

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


_T = TypeVar("_T", CallTable, RawTable)


def convert(table: Mapping[str, object], kind: type[_T], where: str) -> _T:
    """The table as a struct. Raises ScriptError: msgspec's words become key, fault and the keys there are."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        text, _, at = str(error).partition(" - at `$")
        key = re.sub(r"\[(\d+)\]", lambda m: f"[{int(m[1]) + 1}]", at.strip("`").lstrip("."))
        keys = CallerId.__struct_fields__ if key == "caller_id" else kind.__struct_fields__
        raise ScriptError(
            f"{key}: {text}" if key else text,
            where=where,
            remedy="correct the value" if key and "field" not in text else f"the keys are {', '.join(keys)}",
        ) from error
