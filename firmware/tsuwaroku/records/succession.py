"""The change of the 管理責任者 (Article 4(1): the office changes hands each April) as a fold of acts.

| verb | subject | detail | words |
|---|---|---|---|
| `manager succeeded` | id of the new key | `public_key`, `removed` (ids of keys) | `name`, `decree` (発令番号) |
| `words sealed again` | id of the key | `of` (numbers of entries) | the words |
| `calls wrapped again` | id of the key | `calls` (ids) | none |
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tsuwaroku.records.acts import Act, ActVerb


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `key`, `public_key`: of the new manager, hex; `removed`: ids of the keys that open no later call."""

    number: int
    at: str
    key: str
    public_key: str
    removed: tuple[str, ...]
    name: str | None = None
    decree: str | None = None


def successions(acts: Iterable[Act]) -> list[Succession]:
    """Every change there ever was, oldest first."""
    return [
        Succession(
            number=act.number,
            at=act.at,
            key=act.subject,
            public_key=act.detail["public_key"],
            removed=tuple(act.detail["removed"]),
            name=(act.words or {}).get("name"),
            decree=(act.words or {}).get("decree"),
        )
        for act in acts
        if act.verb is ActVerb.MANAGER_SUCCEEDED
    ]
