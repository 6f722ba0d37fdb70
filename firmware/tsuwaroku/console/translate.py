"""The texts of errors, findings and alarms in the language of this run.

They are written in English where they arise, far below the console; here they are recognised by their templates
(`messages_ja`), as gettext recognises its message ids, but with what they were filled with already in place.
"""

from __future__ import annotations

from functools import cache

from tsuwaroku.console.texts import japanese
from tsuwaroku.errors import TsuwarokuError

Template = tuple[tuple[str, ...], str]
"""The pieces of the English text between its placeholders, and the Japanese template."""

FEWEST_LETTERS = 4
"""A shorter template ("{} s") is looked for in a whole text only, not in what fills another."""
JOINTS = (" → ", "; ")
"""Between an error and its remedy, and between one fault and the next."""


def translate(text: str) -> str:
    """`text` in Japanese where this run speaks it and the text is known, else as it is."""
    if not text or not japanese():
        return text
    return _whole(text) or _joined(text) or text


def place(where: str) -> str:
    """The place of an error: paths and keys as they are, the words between them in the language of this run."""
    if not where or not japanese():
        return where
    _, _, places = _tables()
    return ": ".join(_first(part, places) or part for part in where.split(": "))


def explained(error: TsuwarokuError) -> str:
    """Place and message, as `str(error)` has them in English."""
    message = translate(error.message)
    return f"{place(error.where)}: {message}" if error.where else message


def _whole(text: str) -> str | None:
    return _first(text, _tables()[0])


def _joined(text: str) -> str | None:
    """Texts in a row, or one after its place; None where no part is known."""
    for joint in JOINTS:
        for at in _all(text, joint):
            left, right = text[:at], text[at + len(joint) :]
            known = _whole(right) or _joined(right)
            if known:
                return f"{_whole(left) or _joined(left) or left}{joint if joint.strip() == '→' else '。'}{known}"
    for at in _all(text, ": "):
        if known := _whole(text[at + 2 :]):
            return f"{place(text[:at])}: {known}"
    return None


def _all(text: str, part: str) -> list[int]:
    return [at for at in range(len(text)) if text.startswith(part, at)]


def _first(text: str, templates: tuple[Template, ...]) -> str | None:
    """By the template with most letters that fits."""
    for pieces, ja in templates:
        filled = _match(pieces, text)
        if filled is not None:
            return ja.format(*map(_nested, filled))
    return None


def _nested(text: str) -> str:
    """What fills a placeholder: a text of its own, several of them, or a name that stays."""
    known = _first(text, _tables()[1])
    if known is not None:
        return known
    parts = [_first(part, _tables()[1]) for part in text.split("; ")]
    return "、".join(part for part in parts if part) if all(parts) else text


def _match(pieces: tuple[str, ...], text: str) -> list[str] | None:
    """What stands between the pieces, each as short as can be; None where the text is not made of them.

    What would end with a colon is a place before the text, and the text begins after it.
    """
    if len(pieces) == 1:
        return [] if text == pieces[0] else None
    first, *middle, last = pieces
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return None
    filled, at, end = [], len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return None
        filled.append(text[at:found])
        at = found + len(piece)
    filled.append(text[at:end])
    return None if any(part.endswith(":") for part in filled) else filled


@cache
def _tables() -> tuple[tuple[Template, ...], tuple[Template, ...], tuple[Template, ...]]:
    """Templates for whole texts, for what fills them, and for places; those with most letters first."""
    from tsuwaroku.console.messages_ja import FOREIGN, MESSAGES, PLACES, WORDS

    nested = _sorted(FOREIGN | MESSAGES | WORDS)
    return _sorted(FOREIGN | MESSAGES), tuple(t for t in nested if _letters(t) >= FEWEST_LETTERS), _sorted(PLACES)


def _sorted(table: dict[str, str]) -> tuple[Template, ...]:
    templates = [(tuple(english.split("{}")), ja) for english, ja in table.items()]
    return tuple(sorted(templates, key=lambda template: (-sum(map(len, template[0])), template[0])))


def _letters(template: Template) -> int:
    return sum(character.isalpha() for piece in template[0] for character in piece)
