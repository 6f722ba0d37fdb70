"""Who marks calls, in tests of what becomes of the marks."""

from __future__ import annotations

from tsuwaroku.records.roles import Role
from tsuwaroku.service.asking import Asker


def marker(user: str) -> Asker:
    """A handler of every line."""
    return Asker(user=user, roles=frozenset({Role.HANDLER}))
