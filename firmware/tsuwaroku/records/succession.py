"""The change of the 管理責任者 (Article 4(1): the office changes hands each April), and of the recovery key, as a fold.

| verb | subject | detail | words |
|---|---|---|---|
| `manager succeeded` | id of the new key | `public_key`, `removed` (ids of keys) | `name`, `decree` (発令番号) |
| `recovery replaced` | id of the new recovery key | as above | `reason` |
| `words sealed again` | id of the key | `of` (numbers of entries) | the words |
| `calls wrapped again` | id of the key | `calls` (ids) | none |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from tsuwaroku.records.acts import Act, ActVerb, Detail, detail_of, word_of
from tsuwaroku.records.keyid import is_key

Changing = Literal["manager", "recovery"]
_ROLES: Final[dict[ActVerb, Changing]] = {
    ActVerb.MANAGER_SUCCEEDED: "manager",
    ActVerb.RECOVERY_REPLACED: "recovery",
}


class SucceededDetail(Detail, frozen=True, kw_only=True):
    """Of `manager succeeded` and `recovery replaced`."""

    public_key: str
    removed: tuple[str, ...]


class ResealedDetail(Detail, frozen=True, kw_only=True):
    """Of `words sealed again`. `of`: numbers of entries."""

    of: tuple[int, ...]


class RewrappedDetail(Detail, frozen=True, kw_only=True):
    """Of `calls wrapped again`."""

    calls: tuple[str, ...]


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `key`, `public_key`: the new one, hex; `role`: whose; `removed`: ids of those that open no later
    call."""

    number: int
    at: str
    key: str
    public_key: str
    removed: tuple[str, ...]
    role: Changing = "manager"
    name: str | None = None
    decree: str | None = None


def successions(acts: Iterable[Act]) -> list[Succession]:
    """Every change there ever was, oldest first."""
    return [
        Succession(
            number=act.number,
            at=act.at,
            key=act.subject,
            public_key=said.public_key,
            removed=said.removed,
            role=_ROLES[act.verb],
            name=word_of(act, "name"),
            decree=word_of(act, "decree"),
        )
        for act in acts
        if act.verb in _ROLES
        and (said := detail_of(act, SucceededDetail)) is not None
        and is_key(said.public_key, act.subject)
    ]
