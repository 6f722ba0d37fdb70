"""Which box a store comes from: a fingerprint to compare with the one pinned when the box was installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

_GROUP = 4


def fingerprint(store: Store) -> str:
    """The public device key of the store's first epoch: 64 hex digits in groups of four."""
    digits = store.info.device_keys[0].lower()
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def same_fingerprint(one: str, other: str) -> bool:
    """Whether two texts name one key; case, spaces, colons and hyphens do not count."""
    return _digits(one) == _digits(other)


def _digits(text: str) -> str:
    return "".join(c for c in text.lower() if c not in " :-\t\n")
