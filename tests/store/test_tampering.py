"""An attacker who can write to the store and has no key of it: every change that harms a finished call must show."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from nacl.signing import SigningKey

from tests.store.reading import Box, at, ident
from tests.store.test_verify import fill, forget
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.origin import fingerprint
from tsuwaroku.store.recovery import settle_interrupted
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE
from tsuwaroku.store.verify import verify_store


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store")


def cut_off(box: Box, number: int, extents: int) -> None:
    """Wipe a call from one of its extents on, as if the recorder had been cut off there."""
    (call,) = [call for call in scan_slots(box.store) if call.call_id == ident(number)]
    for extent in call.extents[extents:]:
        box.overwrite(extent.slot, extent.offset, bytes(extent.header.disk_size))


def test_a_journal_that_is_gone_shows(box: Box) -> None:
    fill(box)
    box.journal("recorder")
    for owner in ("recorder", "keeper"):
        path = box.store.journal_dir / f"{owner}-00000.dat"
        octets = path.read_bytes()
        path.unlink()
        report = verify_store(box.store)
        assert not report.ok
        assert any(path.name in problem for problem in report.problems)
        path.write_bytes(octets)
    assert verify_store(box.store).ok


def test_a_segment_missing_between_others_shows(box: Box) -> None:
    fill(box)
    journal = box.journal("recorder")
    for count in range(600):
        journal.append(JournalType.ALIVE, at(100 + count))
    assert verify_store(box.store).ok
    (box.store.journal_dir / "recorder-00001.dat").unlink()
    report = verify_store(box.store)
    assert not report.ok
    assert any("recorder-00001.dat" in problem for problem in report.problems)


def test_a_device_key_added_to_the_store_is_no_key_of_the_box(box: Box) -> None:
    """store.json is not signed: whoever could add a key there could sign anything."""
    fill(box)
    info = box.store.path / "store.json"
    known = msgspec.json.decode(info.read_bytes())
    known["device_keys"].append(bytes(SigningKey.generate().verify_key).hex())
    info.write_bytes(msgspec.json.encode(known))
    store = type(box.store).open(box.store.path)
    report = verify_store(store, fingerprint=fingerprint(store))
    assert not report.ok
    assert any("device key" in problem for problem in report.problems)


@pytest.mark.parametrize("settled", [False, True], ids=["before the keeper", "after the keeper"])
def test_the_end_of_a_finished_call_cannot_be_cut_off_unseen(box: Box, settled: bool) -> None:
    """Its end wiped, its catalogue entry too: it looks like one that a power cut ended. The audit log knows better."""
    fill(box)
    box.audit.append(at(63), "keeper", "calls closed", detail={"calls": {"2": digest_of(box, 2)}})
    assert verify_store(box.store).ok
    cut_off(box, 2, 4)
    forget(box, 2)
    if settled:
        settle_interrupted(box.store, box.journal(), None, at(70))
    report = verify_store(box.store)
    assert not report.ok
    (finding,) = [call for call in report.calls if call.sequence == 2]
    assert finding.integrity == "damaged"
    assert finding.problems[-1] == "is not what it was when it was closed"


def test_a_finished_call_that_is_gone_with_every_later_one_shows(box: Box) -> None:
    """The last calls wiped from ring and catalogue: nothing in the ring names them, the audit log does."""
    fill(box)
    box.audit.append(at(63), "keeper", "calls closed", detail={"calls": {"3": digest_of(box, 3)}})
    for call in scan_slots(box.store):
        if call.sequence >= 3:
            for header in call.headers:
                box.overwrite(header.slot, BLOCK, bytes(SLOT_SIZE - BLOCK))
                box.overwrite(
                    header.slot, 0, b"TSUWAFRE\1\0\0\0" + header.slot.to_bytes(4, "little") + bytes(BLOCK - 16)
                )
    for number in (3, 4):
        forget(box, number)
    report = verify_store(box.store)
    assert not report.ok
    assert "call 3 is missing" in report.problems


def digest_of(box: Box, number: int) -> str:
    (call,) = [call for call in scan_slots(box.store) if call.sequence == number]
    return call.digest.hex()
