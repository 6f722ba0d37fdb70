"""Whose telephone a call was at (`service.extensions`): nobody hears or decides on calls of his own extension."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tsuwaroku.service.fates import CallFate

if TYPE_CHECKING:
    from tsuwaroku.config import ServiceConfig


def owns(settings: ServiceConfig, user: str, extension: str, line: str) -> bool:
    """Whether a call at this extension, or on this line, is one of that account's own."""
    return not {extension or line, line}.isdisjoint(settings.extensions.get(user, ()))


def owns_all(settings: ServiceConfig, user: str, fates: Iterable[CallFate]) -> bool:
    """The same of all of these calls, of which there is one at least."""
    found = list(fates)
    return bool(found) and all(owns(settings, user, one.extension, one.line) for one in found)
