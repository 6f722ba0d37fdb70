"""One flipped bit anywhere in a store: it is harmless, or `verify` reports it and nothing damaged is served as whole.

Every field of every structure, its first octet and its last; payloads by sample. Whatever it was, the box starts again
and records, or says what to put right.
"""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ulid import ULID

from tests.store.reading import Box, at, ident
from tsuwaroku.clock import VirtualClock
from tsuwaroku.config import Config, LineConfig
from tsuwaroku.console.session import stored_call
from tsuwaroku.errors import TsuwarokuError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.journal_record import HEAD as JOURNAL_HEAD
from tsuwaroku.store.journal_record import SIGNATURE_AT
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.recovery import catalogue_calls, list_calls, settle_interrupted
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE
from tsuwaroku.store.verify import verify_store
from tsuwaroku.store.whole import problems_of

START = 1_795_431_600 * 10**9
RING = "ring/ring-00000.dat"


@dataclass(frozen=True)
class Seen:
    """What a store says of itself, with the key. `calls`: by sequence number, what `verify` takes each for and its
    sound as `play` serves it, which is None where `play` says that it is not whole."""

    ok: bool
    calls: dict[int, tuple[str, bytes | None]]
    listed: list[CallRecord]


@pytest.fixture(scope="module")
def sound_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sealed calls, one of two slots, and one that was cut off; both journals, catalogue and audit log."""
    box = Box(tmp_path_factory.mktemp("sound") / "store", slots=8)
    box.call(1, marks=1)
    box.call(2, seconds=17, commits=4)
    box.call(3)
    box.open(4)
    box.talk(4, 2, commits=2)
    catalogue_calls(box.store, Catalogue(box.store.catalogue_dir))
    settle_interrupted(box.store, box.journal(), None, at(60))
    Catalogue(box.store.catalogue_dir).fold()
    mark = ({"kind": "x"}, {"at_s": 1.0})
    box.journal().append(JournalType.MARK, at(61), ident(1), *mark, box.store.recipients.to_wrap())
    box.audit.append(at(62), "manager", "play", str(ULID.from_bytes(ident(1))), "苦情の確認")
    box.journal("recorder").append(JournalType.RECORDER_STARTED, at(0), public={"audit_head": box.audit.head().hex()})
    box.audit.close()
    keeper = Keeper(box.store, Config(line=(LineConfig(id="1"),)), VirtualClock(START))
    keeper.start()
    keeper.close()
    box.store.close()
    return box.store.path


def look(path: Path) -> Seen:
    """Raises TsuwarokuError where the store is refused."""
    store = Store.open(path)
    try:
        key = PrivateKey.load(path / "demo.key", str)
        report = verify_store(store, key)
        warnings: list[str] = []
        listed = list_calls(store, key, warnings=warnings)
        assert report.ok <= (warnings == []), warnings
        calls = {call.sequence: (call.integrity, _played(store, key, call.id)) for call in report.calls}
        return Seen(report.ok, calls, listed)
    finally:
        store.close()


def _played(store: Store, key: PrivateKey, call_id: str) -> bytes | None:
    stored, entry = stored_call(store, call_id, quiet=True)
    amendments = read_amendments(store)
    reader = CallReader(stored, store, key, entry.wraps if entry is not None else (), amendments)
    pcm = b"".join(piece for _, piece in reader.pieces())
    problems = problems_of(stored, amendments.get(stored.call_id, ()), entry) + reader.checked().problems
    return None if problems else pcm


@pytest.fixture(scope="module")
def whole(sound_store: Path) -> Seen:
    seen = look(sound_store)
    assert seen.ok
    integrities = {number: integrity for number, (integrity, pcm) in seen.calls.items() if pcm}
    assert integrities == {1: "sealed", 2: "sealed", 3: "sealed", 4: "recovered"}
    assert [record.integrity.value for record in seen.listed] == ["sealed", "sealed", "sealed", "recovered"]
    return seen


def fields(form: struct.Struct, base: int) -> Iterator[int]:
    """First and last octet of each field, padding included."""
    at = 0
    code = form.format.lstrip("<")
    number = ""
    for letter in code:
        if letter.isdigit():
            number += letter
            continue
        count = int(number or "1")
        size = struct.calcsize("<" + letter)
        spans = [(at, at + count)] if letter in "sx" else [(at + n * size, at + (n + 1) * size) for n in range(count)]
        for begin, end in spans:
            yield from sorted({base + begin, base + end - 1})
            at = end
        number = ""
    assert at == form.size


def flip(path: Path, offset: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        octet = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([octet ^ 1 << bit]))


def verdict(path: Path, whole: Seen) -> str:
    """What a damaged store does: "refused", "reported" or "harmless". Anything else is an AssertionError."""
    try:
        seen = look(path)
    except TsuwarokuError as error:
        return "refused" if error.remedy else f"refused without a remedy: {error}"
    for number, (integrity, pcm) in seen.calls.items():
        assert pcm is None or pcm == whole.calls[number][1], f"call {number} is played as whole and is not"
        assert (pcm is None) <= (integrity == "damaged"), f"call {number} is {integrity} for verify, not for play"
    if not seen.ok:
        return "reported"
    assert seen == whole, "something is gone or changed, and verify says that all is well"
    return "harmless"


def places_in_ring(path: Path, number: int) -> list[tuple[str, int]]:
    """(what, offset in the ring file) of the structures of a call, and of a free slot."""
    store = Store.open(path)
    calls = {call.sequence: call for call in scan_slots(store)}
    store.close()
    rng = random.Random(7)
    found: list[tuple[str, int]] = []
    for header in calls[number].headers:
        base = header.slot * SLOT_SIZE
        found += [("header", at) for at in fields(fmt.HEADER, base)]
        found += [("wrap", at) for at in fields(fmt.WRAP, base + fmt.WRAPS_AT)]
        found += [("header padding", base + 2048), ("header padding", base + 4031)]
        found += [("header signature", base + fmt.SLOT_SIGNATURE_AT), ("header signature", base + BLOCK - 1)]
    extents = [calls[number].extents[0], calls[number].extents[-1]]
    for extent in extents:
        base = extent.slot * SLOT_SIZE + extent.offset
        length = extent.header.payload_length
        found += [("extent", at) for at in fields(fmt.EXTENT, base)]
        found += [("extent signature", base + n) for n in (fmt.EXTENT_SIGNATURE_AT, 207)]
        found += [("extent padding", base + n) for n in (208, 255)]
        found += [("payload", base + 256 + n) for n in sorted(rng.sample(range(length), 6))]
        if fmt.EXTENT_HEADER + length < extent.header.disk_size:
            found.append(("tail padding", base + extent.header.disk_size - 1))
    last = calls[number].extents[-1]
    found.append(("unused", (last.slot + 1) * SLOT_SIZE - 1))
    free = 7 * SLOT_SIZE
    found += [("free slot", free + at) for at in (0, 8, 10, 12, 24, 4095)]
    return [*found, *(("free slot's generation", free + at) for at in (16, 23)), ("unused", free + 9000)]


HARMLESS = {"unused", "free slot's generation"}
"""Octets nobody committed. A slot whose generation is not the one it was lent with is passed over."""


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 4], ids=["sealed", "recovered"])
def test_a_bit_of_the_ring(sound_store: Path, whole: Seen, tmp_path: Path, number: int) -> None:
    path = tmp_path / "store"
    shutil.copytree(sound_store, path)
    rng = random.Random(1)
    found: dict[str, set[str]] = {}
    for what, offset in places_in_ring(path, number):
        bit = rng.randrange(8)
        flip(path / RING, offset, bit)
        found.setdefault(what, set()).add(verdict(path, whole))
        flip(path / RING, offset, bit)
    assert verdict(path, whole) == "harmless"
    others = {what: verdicts for what, verdicts in found.items() if verdicts != {"reported"}}
    assert others == {what: {"harmless"} for what in HARMLESS}


@pytest.mark.nightly
def test_any_bit_of_the_ring(sound_store: Path, whole: Seen, tmp_path: Path) -> None:
    """2,000 of them, anywhere."""
    path = tmp_path / "store"
    shutil.copytree(sound_store, path)
    rng = random.Random()
    size = (path / RING).stat().st_size
    for _ in range(2000):
        offset, bit = rng.randrange(size), rng.randrange(8)
        flip(path / RING, offset, bit)
        assert not verdict(path, whole).startswith("refused"), (offset, bit)
        flip(path / RING, offset, bit)


def journal_places(path: Path, owner: str) -> list[int]:
    octets = (path / "journal" / f"{owner}-00000.dat").read_bytes()
    found: list[int] = []
    for base in range(0, len(octets.rstrip(b"\0")), BLOCK):
        if octets[base : base + 4] == b"TJNL":
            body, sealed = struct.unpack_from("<I4xI", octets, base + 84)
            found += fields(JOURNAL_HEAD, base)
            found += [base + n for n in (SIGNATURE_AT, 191, 192, 192 + body // 2, 191 + body)]
            found += [base + 192 + body + n for n in ((0, sealed // 2, sealed - 1) if sealed else ())]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("owner", ["recorder", "keeper"])
def test_a_bit_of_a_journal(sound_store: Path, whole: Seen, tmp_path: Path, owner: str) -> None:
    path = tmp_path / "store"
    shutil.copytree(sound_store, path)
    rng = random.Random(2)
    found: dict[int, str] = {}
    for offset in journal_places(path, owner):
        bit = rng.randrange(8)
        flip(path / "journal" / f"{owner}-00000.dat", offset, bit)
        found[offset] = verdict(path, whole)
        flip(path / "journal" / f"{owner}-00000.dat", offset, bit)
    assert {offset: what for offset, what in found.items() if what != "reported"} == {}


def texts(path: Path) -> list[Path]:
    """Every file of text or small binary; the ring and the journals have tests of their own."""
    return sorted(file for file in path.rglob("*") if file.is_file() and not {"ring", "journal"} & set(file.parts[-2:]))


# Derived, or never read by whoever verifies: made again by the keeper, or worth nothing.
DERIVED = {"lease.json", "clock.json", "slots.table", "recorder.lock", "keeper.lock", "audit.head"}


@pytest.mark.slow
def test_a_bit_of_any_other_file(sound_store: Path, whole: Seen, tmp_path: Path) -> None:
    """Each is repaired, refused or reported; afterwards the keeper starts, or says what to put right."""
    path = tmp_path / "store"
    shutil.copytree(sound_store, path)
    rng = random.Random(3)
    bad: list[str] = []
    for file in texts(path):
        if file.name in DERIVED or file.name == "demo.key":
            continue
        for offset in sorted({0, *rng.sample(range(file.stat().st_size), min(24, file.stat().st_size))}):
            bit = rng.randrange(8)
            flip(file, offset, bit)
            try:
                what = verdict(path, whole)
            except AssertionError as error:
                bad.append(f"{file.name}, {offset}: {error}")
            else:
                if what == "harmless" and file.name not in ("device.key",):
                    bad.append(f"{file.name}, {offset}.{bit}: harmless")
            flip(file, offset, bit)
    assert bad == []


def test_every_bit_of_what_says_which_store_it_is(sound_store: Path, tmp_path: Path) -> None:
    """store.json: refused with a remedy, or `verify` says so; never a traceback."""
    path = tmp_path / "store"
    shutil.copytree(sound_store, path)
    file = path / "store.json"
    refused = 0
    for offset in range(file.stat().st_size):
        for bit in range(8):
            flip(file, offset, bit)
            try:
                store = Store.open(path, any_box=True)
            except TsuwarokuError as error:
                refused += 1
                assert error.remedy  # noqa: PT017
            else:
                assert not store.info.is_signed(), (offset, bit)
                store.close()
            flip(file, offset, bit)
    assert 0 < refused < 8 * file.stat().st_size


@pytest.mark.parametrize("name", sorted(DERIVED - {"recorder.lock", "keeper.lock"}))
def test_a_bit_of_what_is_derived_does_no_harm(sound_store: Path, whole: Seen, tmp_path: Path, name: str) -> None:
    """The next keeper makes it again; no call is lost, and none of its slots is lent."""
    rng = random.Random(4)
    for turn in range(5):
        path = tmp_path / f"store{turn}"
        shutil.copytree(sound_store, path)
        (file,) = path.rglob(name)
        flip(file, 0 if turn == 0 else rng.randrange(file.stat().st_size), rng.randrange(8))
        store = Store.open(path, need_device=True)
        keeper = Keeper(store, Config(line=(LineConfig(id="1"),)), VirtualClock(START + turn))
        keeper.start()
        used = {header.slot for call in scan_slots(store) for header in call.headers if call.last}
        lent = {
            slot
            for slot, generation in keeper._upkeep.lending.lease.slots
            if keeper._upkeep.lending.slots.is_lent(slot, generation)
        }
        assert used & lent == set()
        keeper.close()
        store.close()
        assert look(path) == whole
        shutil.rmtree(path)
