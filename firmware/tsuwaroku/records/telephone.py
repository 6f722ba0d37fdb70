"""Telephone numbers as people write them on a form, and whether two of them are the same subscriber's. Pure.

How many digits, by 電気通信番号規則: 0 and nine more, ten more where it begins 020, 050 to 090 or 0800; 1xx for
services.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import msgspec

_SEPARATORS: Final = re.compile(r"[\s\-‐‑‒–—―−ー().・/]")
_EXTENSION: Final = re.compile(
    r"(?P<number>.*?)[,\s]*\(?\s*(?:内線番号|内線|ext(?:ension)?\.?|#)\s*:?\s*(?P<extension>[^\s()]+)\s*\)?", re.I
)
_ELEVEN: Final = ("020", "050", "060", "070", "080", "090", "0800")
_LONGEST_EXTENSION: Final = 5  # longer ones only where the word 内線 stands before them
_FEWEST_SAME: Final = 5  # digits of the shortest number of a town, as dialled in it


class Telephone(msgspec.Struct, frozen=True):
    """A number: `digits` (with a + in front where it is of another country, empty for an extension alone) and the
    `extension` behind it, empty where there is none."""

    digits: str = ""
    extension: str = ""

    def __str__(self) -> str:
        """The normal way to write it: 0312345678, 0312345678 内線201, 内線201, +12125550100."""
        return " ".join(filter(None, (self.digits, f"内線{self.extension}" if self.extension else "")))


def parse_telephone(text: str) -> Telephone | None:
    """The number of 03-1234-5678, ０３（１２３４）５６７８, +81 3 1234 5678, 03-1234-5678 内線201, 内線201, 201 or
    +1 212 555 0100.

    None for what is no number. A bare number of up to five digits is an extension, but for the services 1xx, which are
    both: 110 is the police, and the extension of many a desk.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    extension = ""
    if match := _EXTENSION.fullmatch(plain):
        plain, extension = match["number"], _SEPARATORS.sub("", match["extension"])
        if not re.fullmatch(r"[0-9]{1,8}", extension):
            return None
    digits = _SEPARATORS.sub("", plain)
    if not digits:
        return Telephone("", extension) if extension else None
    if not re.fullmatch(r"\+?[0-9]+", digits):
        return None
    if not extension and digits[0] not in "0+" and len(digits) <= _LONGEST_EXTENSION:
        return Telephone("", digits)
    national = _national(digits)
    return Telephone(national, extension) if national else None


def _national(digits: str) -> str:
    """As it is dialled in Japan, with + for another country; empty where no such number can be."""
    if digits.startswith("+81"):
        digits = "0" + digits[3:].removeprefix("0")  # +81 (0)3 …: many write the 0 all the same
    elif digits.startswith("010"):
        digits = "+" + digits[3:]
    if digits.startswith("+"):
        return digits if re.fullmatch(r"\+[1-9][0-9]{6,14}", digits) else ""
    eleven = digits.startswith(_ELEVEN)
    return digits if re.fullmatch(r"0[1-9][0-9]{9}" if eleven else r"0[1-9][0-9]{8}", digits) else ""


def same_telephone(wanted: str, recorded: str) -> bool | None:
    """Whether the number `recorded` of a call can be `wanted` (its digits, or an extension). None where sound was lost
    while it was dialled (a question mark in it).

    What was dialled may have a prefix before the number (0 for an outside line, 184, 186, 010) or lack the area code,
    so the shorter must end the longer; numbers of less than five digits are the same or not.
    """
    if "?" in recorded:
        return None
    mine, its = (re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", text)) for text in (wanted, recorded))
    if min(len(mine), len(its)) < _FEWEST_SAME:
        return bool(mine) and mine == its
    return mine.endswith(its) or its.endswith(mine)
