"""Papers as PDF: a template and data in, octets out, by typst, with the font embedded.

Text reaches the template as data (one JSON text in `sys.inputs`) and is set as text, never as markup: a name that
reads `#read("…")` is printed so. Templates import and read nothing; the compiler is given an empty folder as its world,
no system fonts and no packages. The same data give the same octets: the date in the file is the caller's.

The font is IPAmj明朝, which has every letter of 文字情報基盤 with its variants: names print as the family register has
them. What even it has not is printed as 〓, and a line at the foot says which letters were meant.
"""

from __future__ import annotations

import json
import re
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tsuwaroku.clock import JST
from tsuwaroku.errors import ConfigError

if TYPE_CHECKING:
    import typst

FONT_PACKAGE: Final = "fonts-ipamj-mincho"
FONT_FILE: Final = "ipamjm.ttf"
FONT_FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
MISSING: Final = "〓"
_BREAK: Final = "\u200b"
_UNSEEN: Final = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")  # by their nature, and nothing is said of them
_NO_BREAKS: Final = re.compile(r"[!-~\u00a1-\u024f]{24}(?=[!-~\u00a1-\u024f])")
_SHOWN_MISSING: Final = 12

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]


def typeset(template: str, data: Mapping[str, Value], made_on: date, *, tagged: bool = True) -> bytes:
    """The PDF (PDF/A-2u) of templates/`template`.typ filled with `data`. `made_on`: the date in the file; `tagged`:
    with its structure, for screen readers.

    Raises ConfigError where the font is missing or broken.
    """
    import typst

    missing: dict[str, None] = {}
    filled = {**_printable(data, missing), "missing": _told(missing)}
    fonts = _fonts()
    at = datetime(made_on.year, made_on.month, made_on.day, tzinfo=JST)
    source = f"{_template('common')}\n{_template(template)}"
    with tempfile.TemporaryDirectory(prefix="tsuwaroku-") as empty:
        try:
            made = typst.Compiler(
                source.encode(),
                root=empty,
                font_paths=fonts,
                ignore_system_fonts=True,
                package_path=empty,
                package_cache_path=empty,
                sys_inputs={"data": json.dumps(filled, ensure_ascii=False)},
            ).compile(format="pdf", pdf_standards=["a-2u"], timestamp=at, pdf_tags=tagged)
        except typst.TypstError as error:
            raise _unset(error.message, template) from error
    assert isinstance(made, bytes)
    return made


def _unset(why: object, where: str) -> ConfigError:
    return ConfigError(
        f"the paper cannot be set ({why})",
        where=where,
        remedy=f"`apt-get install --reinstall {FONT_PACKAGE}`; if that does not help, send this message to who "
        "maintains the box",
    )


def printable(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as the font can print it, and what it cannot, each once ("U+1F600"; of a variant "U+845B U+E01EF").

    A letter without a glyph, a control character or one that turns the direction of writing round becomes 〓; a variant
    the font has not is printed in its usual form. Nothing is normalised but a letter and its combining mark, which
    are one glyph. Raises ConfigError without the font.
    """
    letters, variants = _coverage()
    missing: dict[str, None] = {}
    out: list[str] = []
    for letter in text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "):
        code = ord(letter)
        if letter == "\n":
            out.append(letter)
        elif letter in _UNSEEN:
            continue
        elif 0xE0100 <= code <= 0xE01EF or 0xFE00 <= code <= 0xFE0F:
            if out and len(out[-1]) == 1 and (ord(out[-1]), code) in variants:
                out[-1] += letter
            elif code >= 0xE0100 and out:
                missing[f"{_code(out[-1][0])} {_code(letter)}"] = None
        elif unicodedata.combining(letter) and out and _composed(out[-1], letter, letters):
            out[-1] = _composed(out[-1], letter, letters)
        elif code in letters and unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co"):
            out.append(letter)
        else:
            missing[_code(letter)] = None
            out.append(MISSING)
    return "".join(out), tuple(missing)


def _composed(base: str, mark: str, letters: frozenset[int]) -> str:
    whole = unicodedata.normalize("NFC", base + mark)
    return whole if len(whole) == 1 and ord(whole) in letters else ""


def _code(letter: str) -> str:
    return f"U+{ord(letter):04X}"


def _printable(data: Mapping[str, Value], missing: dict[str, None]) -> dict[str, Value]:
    return {key: _each(value, missing) for key, value in data.items()}


def _each(value: Value, missing: dict[str, None]) -> Value:
    if isinstance(value, str):
        text, lacking = printable(value)
        missing.update(dict.fromkeys(lacking))
        return _NO_BREAKS.sub(lambda match: match[0] + _BREAK, text)  # a cell cannot break what has no spaces
    if isinstance(value, Mapping):
        return _printable(value, missing)
    if isinstance(value, Sequence):
        return [_each(one, missing) for one in value]
    return value


def _told(missing: Mapping[str, None]) -> str:
    codes = list(missing)
    if not codes:
        return ""
    more = f" ほか{len(codes) - _SHOWN_MISSING}字" if len(codes) > _SHOWN_MISSING else ""
    return f"印字できない文字があります（〓、又は標準の字形で表示）：{'、'.join(codes[:_SHOWN_MISSING])}{more}"


def _template(name: str) -> str:
    return (files("tsuwaroku.disclosure") / "templates" / f"{name}.typ").read_text(encoding="utf-8")


def _present() -> Path:
    return _found(FONT_FOLDERS)


@cache
def _found(folders: tuple[Path, ...]) -> Path:
    """Where the font is: not every release has the same folder for it. Looked for again as long as it is missing."""
    for folder in folders:
        found = next(iter(sorted(folder.rglob(FONT_FILE))), None)
        if found is not None:
            return found
    raise ConfigError(
        "the papers' font is missing",
        where=FONT_FILE,
        remedy=f"install it with `scripts/setup`, or `apt-get install {FONT_PACKAGE}`",
    )


def _fonts() -> typst.Fonts:
    return _fonts_of(_present())


@cache
def _fonts_of(font: Path) -> typst.Fonts:
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(font.parent)])


def _coverage() -> tuple[frozenset[int], frozenset[tuple[int, int]]]:
    return _coverage_of(_present())


@cache
def _coverage_of(font: Path) -> tuple[frozenset[int], frozenset[tuple[int, int]]]:
    """The letters that have a glyph, and the (letter, selector) pairs that have one of their own. 0.1 s, once."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with font.open("rb") as file, TTFont(file, lazy=True) as opened:
            table = opened["cmap"]
            letters = frozenset(table.getBestCmap())
            variants = frozenset(
                (base, selector)
                for each in table.tables
                if each.format == 14
                for selector, bases in each.uvsDict.items()
                for base, _ in bases
            )
    except (TTLibError, KeyError, OSError) as error:
        raise _unset(error, str(font)) from error
    return letters, variants
