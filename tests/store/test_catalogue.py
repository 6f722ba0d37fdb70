from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from tsuwaroku.errors import StoreError
from tsuwaroku.records.call import Outcome, PublicRecord, Retention
from tsuwaroku.records.retention import day_of
from tsuwaroku.store import durable
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry, ulid_octets
from tsuwaroku.store.slot import WrappedKey

DAY = 86_400_000
START = 1_795_400_000_000  # 2026-11-23 JST, Unix ms


def entry(sequence: int, days: int = 0, outcome: Outcome | None = Outcome.ANSWERED) -> CatalogueEntry:
    begun = START + days * DAY + sequence
    return CatalogueEntry(
        public=PublicRecord(
            id=str(ULID.from_bytes(begun.to_bytes(6, "big") + sequence.to_bytes(10, "big"))),
            sequence=sequence,
            line="1",
            date=day_of(begun * 1_000_000).isoformat(),
            outcome=outcome,
            retention=Retention(expires_on="2026-12-23"),
        ),
        slots=[sequence, sequence + 1],
        generations=[1, 2],
        digest=bytes([sequence] * 32).hex(),
        card=b"card" * 10,
        wraps=[WrappedKey(b"r" * 16, b"s" * 96)],
        final=True,
    )


def listed(directory: Path, *entries: CatalogueEntry) -> Catalogue:
    """A catalogue with these calls in the files of their days."""
    catalogue = Catalogue(directory)
    for one in entries:
        catalogue.put(one)
    catalogue.fold()
    return catalogue


FILES = ["2026-11-23.json", "2026-11-24.json", "2026-11-25.json"]


@pytest.mark.parametrize("gathered", [True, False])
def test_entries_come_back_by_day_and_sequence(tmp_path: Path, gathered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not gathered:
        monkeypatch.setattr("tsuwaroku.store.catalogue.GATHERED", 1)
    catalogue = Catalogue(tmp_path)
    entries = [entry(2), entry(1), entry(3, days=1), entry(4, days=2, outcome=None)]
    for one in entries:
        catalogue.put(one)
    assert sorted(path.name for path in tmp_path.iterdir()) == (["new.jsonl"] if gathered else FILES)
    read = Catalogue(tmp_path)
    assert read.days() == ["2026-11-23", "2026-11-24", "2026-11-25"]
    assert list(read.entries()) == [entries[1], entries[0], entries[2], entries[3]]
    assert read.for_day("2026-11-24") == [entries[2]]
    assert read.for_day("2026-12-24") == []
    assert [read.get(one.public.id) for one in entries] == entries
    assert read.get(str(ULID())) is None
    assert read.get("not-an-id") is None
    assert read.problems() == []


def test_a_call_dated_by_another_clock_than_its_id_is_found(tmp_path: Path) -> None:
    odd = entry(1)
    odd.public.date = "2026-11-01"
    Catalogue(tmp_path).put(odd)
    Catalogue(tmp_path).put(entry(2))
    assert Catalogue(tmp_path).get(odd.public.id) == odd


@pytest.mark.parametrize("folded", [False, True])
def test_put_twice_is_once_and_put_again_replaces(tmp_path: Path, folded: bool) -> None:
    catalogue = Catalogue(tmp_path)
    catalogue.put(entry(1))
    if folded:
        catalogue.fold()
    written = {path: path.stat() for path in tmp_path.iterdir()}
    catalogue.put(entry(1))
    assert {path: path.stat() for path in tmp_path.iterdir()} == written
    catalogue.put(entry(1, outcome=Outcome.MISSED))
    assert list(Catalogue(tmp_path).entries()) == [entry(1, outcome=Outcome.MISSED)]
    catalogue.fold()
    assert list(Catalogue(tmp_path).entries()) == [entry(1, outcome=Outcome.MISSED)]


def test_a_day_is_written_anew_or_goes(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    catalogue.put(entry(1))
    catalogue.put(entry(5, days=1))
    catalogue.replace_day("2026-11-23", [entry(3), entry(2)])
    catalogue.replace_day("2026-11-24", [])
    assert list(catalogue.entries()) == [entry(2), entry(3)]
    assert catalogue.problems() == []
    catalogue.put(entry(4))
    assert list(catalogue.entries()) == [entry(2), entry(3), entry(4)]


def test_an_id_that_is_none_is_damage(tmp_path: Path) -> None:
    listed(tmp_path, entry(1))
    path = tmp_path / "2026-11-23.json"
    path.write_bytes(path.read_bytes().replace(b'"id":"0', b'"id":"u'))
    assert len(Catalogue(tmp_path).problems()) == 1
    with pytest.raises(StoreError):
        Catalogue(tmp_path).for_day("2026-11-23")


@pytest.mark.parametrize("octets", [b"", b"{", b"\xff", b"[]", b'{"_default":{"1":{"public":3}}}'])
def test_a_damaged_day_is_named_with_its_remedy(tmp_path: Path, octets: bytes) -> None:
    listed(tmp_path, entry(1))
    (tmp_path / "2026-11-23.json").write_bytes(octets)
    with pytest.raises(StoreError, match=r"2026-11-23\.json") as caught:
        list(Catalogue(tmp_path).entries())
    assert "start the service" in caught.value.remedy
    assert len(Catalogue(tmp_path).problems()) == 1


def test_moved_or_renumbered_entries_show(tmp_path: Path) -> None:
    listed(tmp_path, entry(1))
    path = tmp_path / "2026-11-23.json"
    tables = json.loads(path.read_bytes())
    path.rename(tmp_path / "2026-11-22.json")
    assert Catalogue(tmp_path).problems() == ["catalogue 2026-11-22.json: not as it was written"]
    (tmp_path / "2026-11-22.json").unlink()
    for changed in (
        {"_default": {"2": tables["_default"]["1"]}},
        {"other": tables["_default"]},
        tables | {"x": {}},
        {},
    ):
        path.write_text(json.dumps(changed, separators=(",", ":")))
        assert Catalogue(tmp_path).problems() == ["catalogue 2026-11-23.json: not as it was written"]


@pytest.mark.parametrize("name", ["2026-11-23.json", "new.jsonl"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_shows_here_or_changes_an_entry(tmp_path: Path, name: str, share: float, bit: int) -> None:
    """What it changes without a trace of its own is compared with the ring by `verify`."""
    path = tmp_path / name
    if not path.exists():
        catalogue = listed(tmp_path, entry(1)) if name != "new.jsonl" else Catalogue(tmp_path)
        catalogue.put(entry(1))
        catalogue.put(entry(2))
        if name != "new.jsonl":
            catalogue.fold()
    pristine = path.read_bytes()
    octets = bytearray(pristine)
    octets[int(share * len(octets))] ^= 1 << bit
    path.write_bytes(octets)
    try:
        assert Catalogue(tmp_path).problems() != [] or list(Catalogue(tmp_path).entries()) != [entry(1), entry(2)]
    finally:
        path.write_bytes(pristine)


def test_calls_are_taken_over_into_their_days_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file of a day for every GATHERED calls; in between a line each. A reader sees every call at every step."""
    monkeypatch.setattr("tsuwaroku.store.catalogue.GATHERED", 4)
    written: list[str] = []
    replace = durable.replace_file

    def replace_file(path: Path, data: bytes, mode: int) -> None:
        replace(path, data, mode)
        written.append(path.name)
        assert all(one in list(reader.entries()) for one in known)

    monkeypatch.setattr(durable, "replace_file", replace_file)
    catalogue, reader, known = Catalogue(tmp_path), Catalogue(tmp_path), list[CatalogueEntry]()
    for number in range(1, 10):
        known.append(entry(number, days=number // 8))
        catalogue.put(known[-1])
        assert [one.public.sequence for one in reader.entries()] == list(range(1, number + 1))
    assert written == ["2026-11-23.json", "2026-11-23.json", "2026-11-24.json"]
    assert len((tmp_path / "new.jsonl").read_bytes().splitlines()) == 1


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_line_torn_by_a_power_cut_is_no_call_and_no_damage(tmp_path: Path, cut: int) -> None:
    catalogue = Catalogue(tmp_path)
    catalogue.put(entry(1))
    catalogue.put(entry(2))
    path = tmp_path / "new.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    later = Catalogue(tmp_path)
    assert (list(later.entries()), later.problems(), later.spoilt) == ([entry(1)], [], False)
    later.put(entry(3))
    later.put(entry(2))
    assert (list(Catalogue(tmp_path).entries()), later.problems()) == ([entry(1), entry(2), entry(3)], [])


def test_a_damaged_line_costs_its_call_and_shows(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    for number in (1, 2, 3):
        catalogue.put(entry(number))
    path = tmp_path / "new.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"{", b"[") + lines[2])
    assert (list(catalogue.entries()), catalogue.spoilt) == ([entry(1), entry(3)], True)
    assert catalogue.problems() == ["catalogue new.jsonl: not as it was written"]
    catalogue.fold()
    assert (list(catalogue.entries()), catalogue.problems(), catalogue.spoilt) == ([entry(1), entry(3)], [], False)


def test_a_day_written_anew_forgets_what_was_gathered_of_it(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    for one in (entry(1), entry(2), entry(3, days=1)):
        catalogue.put(one)
    catalogue.replace_day("2026-11-23", [entry(2)])
    assert list(Catalogue(tmp_path).entries()) == [entry(2), entry(3, days=1)]


def test_a_call_put_under_another_day_is_in_one_list_at_a_time(tmp_path: Path) -> None:
    """Until the days are made anew it is in both files, as before: `verify` says so."""
    catalogue = Catalogue(tmp_path)
    catalogue.put(entry(1))
    moved = entry(1)
    moved.public.date = "2026-11-25"
    catalogue.put(moved)
    assert catalogue.for_day("2026-11-25") == [moved]


@pytest.mark.parametrize("step", ["day", "new"])
def test_a_disk_that_takes_no_file_keeps_what_is_gathered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    catalogue = Catalogue(tmp_path)
    catalogue.put(entry(1))
    catalogue.put(entry(2))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "day":
        monkeypatch.setattr(durable, "replace_file", full)
    else:
        monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(StoreError, match="No space left"):
        catalogue.fold()
    assert list(Catalogue(tmp_path).entries()) == [entry(1), entry(2)]
    monkeypatch.undo()
    catalogue.fold()
    assert list(Catalogue(tmp_path).entries()) == [entry(1), entry(2)]
    assert [path.name for path in tmp_path.iterdir()] == ["2026-11-23.json"]


def test_what_is_taken_out_is_overwritten_wherever_it_lay(tmp_path: Path) -> None:
    """Its day's file, one that was put aside, what was gathered: none of their octets stay on the disk (Article 8)."""
    catalogue = Catalogue(tmp_path)
    day = entry(1).public.date
    catalogue.put(entry(1))
    catalogue.fold()
    (tmp_path / f"{day}.json.damaged-1").write_bytes(msgspec.json.encode(entry(1))[:-3])
    catalogue.put(entry(2))
    catalogue.put(entry(1))
    held = [path.open("rb") for path in sorted(tmp_path.iterdir())]
    assert len(held) == 3
    catalogue.remove(day, [1])
    assert list(Catalogue(tmp_path).entries()) == [entry(2)]
    octets = [file.read() for file in held]
    assert [set(found) for found in octets] == [{0}] * 3
    for file in held:
        file.close()


@given(octets=st.binary(min_size=16, max_size=16), at=st.integers(0, 25), letter=st.characters())
def test_a_ulid_is_read_as_its_library_reads_it(octets: bytes, at: int, letter: str) -> None:
    text = str(ULID.from_bytes(octets))
    assert ulid_octets(text) == ulid_octets(text.lower()) == octets
    for other in (text[:at] + letter + text[at + 1 :], text[:at], text + letter):
        try:
            said: object = ULID.from_str(other).bytes
        except ValueError:
            said = ValueError
        try:
            assert ulid_octets(other) == said
        except ValueError:
            assert said is ValueError


def test_an_entry_with_a_slot_of_no_ring_is_damage_in_either_file(tmp_path: Path) -> None:
    """Call 3 has slots 3 and 4: of a ring of four, the second is none."""
    listed(tmp_path, entry(1), entry(3))
    assert len(Catalogue(tmp_path, 5).for_day("2026-11-23")) == 2
    with pytest.raises(StoreError, match=r"damaged.*call 3 has a slot that is not in the ring"):
        Catalogue(tmp_path, 4).for_day("2026-11-23")
    new = tmp_path / "new"
    new.mkdir()
    Catalogue(new).put(entry(1))
    Catalogue(new).put(entry(3))
    small = Catalogue(new, 4)
    assert [one.public.sequence for one in small.for_day("2026-11-23")] == [1]
    assert small.spoilt
