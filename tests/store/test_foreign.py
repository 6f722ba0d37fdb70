"""A wrong file at each place of a store: cut short, empty, another store's, a directory, a link to nothing, none.

Whatever stands there is refused with a remedy, reported by `verify`, or is made again; nothing of it is served as
whole; and keeper and recorder start, or say what to put right.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.reading import Box
from tests.store.test_bitflips import START, Seen, sound_store, verdict, whole
from tsuwaroku.clock import VirtualClock
from tsuwaroku.config import Config, LineConfig
from tsuwaroku.errors import TsuwarokuError
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.layout import Store
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.slot import BLOCK
from tsuwaroku.store.verify import verify_store
from tsuwaroku.store.writer import RingWriter

__all__ = ["sound_store", "whole"]  # fixtures
CONFIG = Config(line=(LineConfig(id="1"),))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another box's store, of the same size and with calls of the same days."""
    box = Box(tmp_path_factory.mktemp("foreign") / "store", slots=8)
    box.call(1)
    box.call(2)
    box.audit.close()
    keeper = Keeper(box.store, CONFIG, VirtualClock(START))
    keeper.start()
    keeper.close()
    box.store.close()
    return box.store.path


Fault = Callable[[Path, Path], None]


def cut(file: Path, _: Path) -> None:
    octets = file.read_bytes()
    file.write_bytes(octets[: len(octets) // 2])


def empty(file: Path, _: Path) -> None:
    file.write_bytes(b"")


def exchanged(file: Path, other: Path) -> None:
    shutil.copy(other, file)


def directory(file: Path, _: Path) -> None:
    file.unlink()
    file.mkdir()


def dangling(file: Path, _: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def missing(file: Path, _: Path) -> None:
    file.unlink()


def start(path: Path) -> str:
    """What keeper and recorder do with it: "" where both start, else what they say. No call's slot is lent."""
    said: list[str] = []
    try:
        store = Store.open(path, need_device=True)
    except TsuwarokuError as error:
        assert error.remedy  # noqa: PT017
        return str(error)
    used = {header.slot for call in scan_slots(store) for header in call.headers if call.last or call.interrupted}
    keeper = Keeper(store, CONFIG, VirtualClock(START))
    try:
        keeper.start()
        keeper.status()
        lending = keeper._upkeep.lending
        assert used & {slot for slot, number in lending.lease.slots if lending.slots.is_lent(slot, number)} == set()
    except TsuwarokuError as error:
        assert error.remedy  # noqa: PT017
        said.append(f"keeper: {error}")
    try:
        Journal.open(store.journal_dir, "recorder", store, store.device).close()
        RingWriter(store, instance=b"starting", audit_head=lambda: bytes(32))
    except TsuwarokuError as error:
        assert error.remedy  # noqa: PT017
        said.append(f"recorder: {error}")
    keeper._lock.release()
    store.close()
    return "; ".join(said)


DAY = "2026-11-23"
PLACES = (
    "store.json",
    "keys/recipients.json",
    "keys/device.key",
    "ring/ring-00000.dat",
    "journal/recorder-00000.dat",
    "journal/keeper-00000.dat",
    f"audit/{DAY}.jsonl",
    f"catalogue/{DAY}.json",
    "lease.json",
    "clock.json",
    "slots.table",
    "run/audit.head",
)
FAULTS: tuple[Fault, ...] = (cut, empty, exchanged, directory, dangling, missing)


TRUTH = ("ring/ring-00000.dat", "journal/keeper-00000.dat", f"audit/{DAY}.jsonl")
"""It cannot be made again from anything."""
IDENTITY = ("store.json", "keys/recipients.json")
MADE_AGAIN = ("lease.json", "clock.json", "slots.table", "run/audit.head")


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
@pytest.mark.parametrize("place", PLACES)
def test_what_a_wrong_file_does(
    sound_store: Path, whole: Seen, foreign: Path, tmp_path: Path, place: str, fault: Fault
) -> None:
    path = tmp_path / "store"
    shutil.copytree(sound_store, path)
    fault(path / place, foreign / place)
    before = verdict(path, whole)
    said = start(path)
    after = verdict(path, whole)
    if place in TRUTH:  # whatever keeper and recorder do with it, it shows for good
        assert before != "harmless"
        assert after != "harmless"
    elif place in IDENTITY:
        assert (before, after, said != "") == ("refused", "refused", True)
    elif place == "keys/device.key":  # whoever reads needs none, but takes no other box's
        assert (before, after, said != "") == (*[("refused" if fault is exchanged else "harmless")] * 2, True)
    elif place in MADE_AGAIN and fault is not directory:
        assert (before in ("refused", "harmless"), after, said) == (True, "harmless", "")
    elif place.startswith("catalogue") and fault not in (exchanged, dangling):
        assert (after, said) == ("harmless", "")
    if fault in (cut, empty, exchanged, missing) and not said:
        assert "refused" not in (before if place in TRUTH else "", after)


def test_the_end_of_the_keepers_journal_is_held_by_the_audit_log(sound_store: Path, tmp_path: Path) -> None:
    """Holds, tombstones and marks of people stand there; a journal without its last records is sound in itself."""
    path = tmp_path / "store"
    shutil.copytree(sound_store, path)
    file = path / "journal" / "keeper-00000.dat"
    octets = file.read_bytes()
    for kept, gone in ((1, "2 to 2"), (0, "1 to 2")):
        file.write_bytes(octets[: kept * BLOCK].ljust(len(octets), b"\0"))
        store = Store.open(path)
        assert f"keeper journal: records {gone} are gone from its end" in verify_store(store).problems
        store.close()
