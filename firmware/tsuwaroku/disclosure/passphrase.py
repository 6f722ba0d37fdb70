"""The passphrase of a medium: one for each, never kept by the box."""

from __future__ import annotations

import itertools
import secrets
import unicodedata

from tsuwaroku.errors import SecretError

FEWEST = 12  # characters of a given one
FEWEST_DIFFERENT = 6
GROUPS, SYLLABLES = 6, 2
# Syllables that are spelt one way only, whatever romanisation somebody has learnt: no si, ti, tu, hu, zi, di, du.
_SPELT = tuple(
    consonant + vowel
    for consonant in "kstnhmrgzdbp"
    for vowel in "aiueo"
    if consonant + vowel not in ("si", "ti", "tu", "hu", "zi", "di", "du")
)


def generate() -> str:
    """Six groups like "kasu-mito-": 12 of 53 syllables, 68 bits, which a clerk can read out, note down and type."""
    groups = ("".join(secrets.choice(_SPELT) for _ in range(SYLLABLES)) for _ in range(GROUPS))
    return "-".join(groups)


def accept(passphrase: str) -> str:
    """The passphrase in NFKC, without spaces around it: what page and 7-Zip are given. Raises SecretError for one that
    is short, or that a list of common ones has near its beginning."""
    text = unicodedata.normalize("NFKC", passphrase).strip()
    if len(text) < FEWEST:
        raise _weak(f"the passphrase has fewer than {FEWEST} characters")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") for character in text):
        raise _weak("the passphrase has a character that cannot be typed")
    if text.isdecimal():
        raise _weak("the passphrase has only digits, as a telephone number or a date has")
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    if len(set(text.casefold())) < FEWEST_DIFFERENT or len(steps) < FEWEST_DIFFERENT // 2:
        raise _weak("the passphrase repeats a few characters, or counts them up")
    return text


def _weak(message: str) -> SecretError:
    return SecretError(message, remedy="take the one that is proposed, or at least 12 characters of several words")
