"""The quick list says what the thorough one says, with boxes of opened cards that die with their calls."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from ulid import ULID

from tests.store.reading import Box, ident
from tests.store.writing import at
from tsuwaroku.errors import SecretError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.store import calllist
from tsuwaroku.store.calllist import quick_public, quick_records
from tsuwaroku.store.cardcache import CardCache, cache_directory
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal_record import JournalType
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.recovery import catalogue_calls, list_calls, settle_interrupted


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store")


def fill(box: Box, *, folded: bool) -> None:
    """Closed, amended, interrupted, discarded, not recorded and going on; one not in the catalogue yet."""
    box.call(1, marks=1)
    box.call(2, seconds=40, commits=4)
    box.call(3)
    box.open(4)
    box.talk(4, 2)
    journal = box.journal()
    catalogue_calls(box.store, Catalogue(box.store.catalogue_dir))
    settle_interrupted(box.store, journal, None, at(60))
    if folded:
        Catalogue(box.store.catalogue_dir).fold()
    everybody = box.store.recipients.to_wrap()
    journal.append(JournalType.MARK, at(61), ident(1), {"kind": "x"}, {"at_s": 1.0}, everybody)
    journal.append(JournalType.DISCARDED, at(62), ident(3), {"sequence": 3})
    box.call(5)


def cache_of(box: Box, tmp_path: Path) -> CardCache:
    return CardCache(tmp_path / "cache", box.store.store_id, box.private)


def quick(box: Box, cache: CardCache | None) -> tuple[list[CallRecord], list[str]]:
    warnings: list[str] = []
    return quick_records(box.store, box.private, cache, warnings), warnings


def thorough(box: Box) -> tuple[list[CallRecord], list[str]]:
    warnings: list[str] = []
    return list_calls(box.store, box.private, warnings=warnings), warnings


@pytest.mark.parametrize("folded", [False, True])
def test_both_lists_say_the_same(box: Box, tmp_path: Path, folded: bool) -> None:
    assert (quick(box, None), quick_public(box.store, [])) == (([], []), [])
    fill(box, folded=folded)
    cache = cache_of(box, tmp_path)
    expected = thorough(box)
    assert [record.sequence for record in expected[0]] == [1, 2, 4, 5]
    for kept in (None, cache, cache):
        assert quick(box, kept) == expected
    assert quick_public(box.store, []) == list_calls(box.store)


def test_a_box_is_used_while_its_day_is_as_it_was(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(box, folded=True)
    Lease().save(box.store.lease_path, box.store.store_id)
    cache = cache_of(box, tmp_path)
    opened: list[str] = []
    whole = calllist._card

    def counted(entry: calllist._Carded, *rest: object) -> bytes | None:
        opened.append(entry.public.id)
        return whole(entry, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(calllist, "_card", counted)
    settled = Catalogue(box.store.catalogue_dir)
    [day] = settled.days()
    settled.replace_day(day, [entry for entry in settled.for_day(day) if entry.final])  # the rest is not boxed
    first = quick(box, cache)
    assert len(opened) == 3
    assert (quick(box, cache), len(opened)) == (first, 3)
    settled.replace_day(day, [entry for entry in settled.for_day(day) if entry.public.sequence != 2])
    assert [record.sequence for record in quick(box, cache)[0]] == [1]
    assert len(opened) == 5


def test_a_box_opens_no_more_once_its_day_was_written_anew(box: Box, tmp_path: Path) -> None:
    """With the private key in hand, and a copy of the box kept from before."""
    box.call(1)
    catalogue = Catalogue(box.store.catalogue_dir)
    catalogue_calls(box.store, catalogue)
    Catalogue(box.store.catalogue_dir).fold()
    cache = cache_of(box, tmp_path)
    records, _ = quick(box, cache)
    [day] = catalogue.days()
    before = catalogue.day_octets()[day]
    assert cache.get(day, before) == records
    [path] = (tmp_path / "cache").rglob("*.box")
    octets = path.read_bytes()
    assert [octets.find(secret) for secret in (b"0312345678", records[0].id.encode(), b"2101")] == [-1, -1, -1]
    assert path.stat().st_mode & 0o777 == 0o600
    assert cache.get(day, before + b" ") is None
    assert cache.get("2026-01-01", before) is None
    assert CardCache(tmp_path / "cache", b"x" * 16, box.private).get(day, before) is None
    stranger = PrivateKey(b"s" * 32)
    moved = tmp_path / "cache" / box.store.store_id.hex() / stranger.id.hex() / path.name
    moved.parent.mkdir()
    moved.write_bytes(octets)
    assert CardCache(tmp_path / "cache", box.store.store_id, stranger).get(day, before) is None
    path.write_bytes(octets[:-1])
    assert cache.get(day, before) is None
    catalogue.replace_day(day, [])
    assert list((tmp_path / "cache").rglob("*.box"))
    quick(box, cache)
    assert list(path.parent.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_none(box: Box, tmp_path: Path) -> None:
    fill(box, folded=True)
    (tmp_path / "cache").write_bytes(b"a file where a directory ought to be")
    assert quick(box, cache_of(box, tmp_path)) == thorough(box)


def test_a_damaged_day_is_told_as_the_thorough_list_tells_it(box: Box, tmp_path: Path) -> None:
    fill(box, folded=True)
    [path] = box.store.catalogue_dir.glob("2*.json")
    path.write_bytes(b"{")
    warnings: list[str] = []
    assert quick(box, cache_of(box, tmp_path)) == thorough(box)
    assert quick_public(box.store, warnings) == list_calls(box.store)
    assert path.name in warnings[0]


def test_a_card_that_does_not_open_costs_its_call_alone(box: Box, tmp_path: Path) -> None:
    fill(box, folded=True)
    catalogue = Catalogue(box.store.catalogue_dir)
    one = catalogue.get(str(ULID.from_bytes(ident(1))))
    assert one is not None
    catalogue.put(msgspec.structs.replace(one, wraps=[]))
    for folded in (False, True):
        if folded:
            catalogue.fold()
        found, warnings = quick(box, cache_of(box, tmp_path))
        assert ([record.sequence for record in found], len(warnings)) == ([2, 4, 5], 1)
        assert (found, warnings) == thorough(box)
    with pytest.raises(SecretError):
        quick_records(box.store, PrivateKey(b"x" * 32), None, [])


def test_boxes_lie_where_this_user_keeps_such_things(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "tsuwaroku" / "cards"
    for unset in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert cache_directory() == Path.home() / ".cache" / "tsuwaroku" / "cards"
