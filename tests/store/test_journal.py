from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsuwaroku.clock import ClockQuality, Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.store.journal import NO_CALL, SEGMENT_SIZE, Journal, JournalType
from tsuwaroku.store.journal_record import SIGNATURE_AT
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store
from tsuwaroku.store.seal import CallKey, open_wrapped
from tsuwaroku.store.slot import BLOCK
from tsuwaroku.store.torn_record import may_be_torn

CALL = b"\x01" * 16


def moment(seconds: int) -> Instant:
    return Instant(1_795_000_000_000_000_000 + seconds * 10**9, seconds * 10**9, b"b" * 16, ClockQuality.HOLDOVER)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store", slots=1, retention_days=30, demonstration=True)


@pytest.fixture
def private(store: Store) -> PrivateKey:
    return PrivateKey.load(store.path / "demo.key", lambda: "")


def writer(store: Store) -> Journal:
    return Journal.open(store.journal_dir, "keeper", store, store.device)


def reader(store: Store) -> Journal:
    return Journal.open(store.journal_dir, "keeper", store)


def thorough(store: Store) -> Journal:
    return Journal.open(store.journal_dir, "keeper", store, every_signature=True)


def segment(store: Store, number: int = 0) -> Path:
    return store.journal_dir / f"keeper-{number:05}.dat"


def flip(path: Path, at: int, bit: int = 0) -> None:
    octets = bytearray(path.read_bytes())
    octets[at] ^= 1 << bit
    path.write_bytes(octets)


def numbers(journal: Journal) -> list[int]:
    return [record.number for record in journal.records()]


def test_records_come_back_as_written_and_secrets_only_with_the_key(store: Store, private: PrivateKey) -> None:
    with_key = writer(store)
    written = with_key.append(
        JournalType.MARK, moment(5), CALL, {"marks": 1}, {"at_s": 12.5, "by": "市民課"}, store.recipients.to_wrap()
    )
    with_key.append(JournalType.RECORDER_STOPPED, moment(6))
    [mark, stopped] = reader(store).records()
    assert mark == written
    assert (mark.number, mark.type, mark.call_id, mark.wall_ns, mark.mono_ns, mark.boot_id, mark.quality) == (
        1,
        JournalType.MARK,
        CALL,
        moment(5).wall_ns,
        moment(5).mono_ns,
        b"b" * 16,
        ClockQuality.HOLDOVER,
    )
    assert (mark.public, mark.before) == ({"marks": 1}, bytes(32))
    assert mark.secret(private) == {"at_s": 12.5, "by": "市民課"}
    assert mark.secret(None) is None
    assert mark.secret(PrivateKey(b"x" * 32)) is None
    assert (stopped.number, stopped.call_id, stopped.before, stopped.sealed) == (2, NO_CALL, mark.digest, [])
    assert "市民課".encode() not in segment(store).read_bytes()


def test_a_wrap_record_opens_the_call_key(store: Store, private: PrivateKey) -> None:
    key = CallKey.random()
    writer(store).append(JournalType.WRAP, moment(1), CALL, wraps=key.wrap_for(store.recipients, CALL))
    [record] = reader(store).records()
    assert open_wrapped(record.wraps, private, CALL).derive(b"p", 0) == key.derive(b"p", 0)
    assert record.secret(private) is None


def test_a_reader_takes_in_what_is_appended_and_a_writer_goes_on_after_a_restart(store: Store) -> None:
    first, watching = writer(store), reader(store)
    assert numbers(watching) == []
    first.append(JournalType.ALIVE, moment(1))
    assert numbers(watching) == [1]
    first.close()
    writer(store).append(JournalType.ALIVE, moment(2))
    assert numbers(watching) == [1, 2]
    assert watching.problems() == []


def test_a_full_segment_is_followed_by_another(store: Store) -> None:
    journal, watching = writer(store), reader(store)
    for second in range(SEGMENT_SIZE // BLOCK - 1):
        journal.append(JournalType.ALIVE, moment(second))
    journal.append(JournalType.CHECKPOINT, moment(900), public={"text": "x" * 5000})  # two blocks: no room for both
    journal.append(JournalType.ALIVE, moment(901))
    assert segment(store, 1).stat().st_size == SEGMENT_SIZE
    assert numbers(watching) == list(range(1, SEGMENT_SIZE // BLOCK + 2))
    assert numbers(reader(store)) == numbers(watching)
    assert watching.problems() == reader(store).problems() == []
    reopened = writer(store)
    assert reopened.append(JournalType.ALIVE, moment(902)).number == SEGMENT_SIZE // BLOCK + 2
    assert watching.records()[-1].wall_ns == moment(902).wall_ns


def test_without_the_device_key_nothing_is_appended(store: Store) -> None:
    with pytest.raises(StoreError):
        reader(store).append(JournalType.ALIVE, moment(1))


def torn_after_two(store: Store, blocks: int) -> None:
    journal = writer(store)
    journal.append(JournalType.ALIVE, moment(1))
    journal.append(JournalType.ALIVE, moment(2))
    journal.append(JournalType.MARK, moment(3), CALL, {"text": "x" * max(3000, BLOCK * (blocks - 1))})
    octets = bytearray(segment(store).read_bytes())
    octets[2 * BLOCK + 2048 : 2 * BLOCK + 2560] = bytes(512)  # a sector that did not reach the disk
    segment(store).write_bytes(octets)


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_a_torn_record_is_found_stepped_over_and_declared(store: Store, blocks: int) -> None:
    torn_after_two(store, blocks)
    before = reader(store)
    assert (numbers(before), before.problems()) == ([1, 2], ["keeper journal: torn or damaged after record 2"])
    writer(store).append(JournalType.HOLD, moment(9), CALL)
    after = reader(store)
    assert [(r.number, r.type, r.public) for r in after.records()[2:]] == [
        (3, JournalType.CHECKPOINT, {"torn_blocks": blocks}),
        (4, JournalType.HOLD, {}),
    ]
    assert after.problems() == []
    assert [r.type for r in before.records()[2:]] == [JournalType.CHECKPOINT, JournalType.HOLD]
    assert before.problems() == []


@pytest.mark.parametrize("where", [0, 9, 20, 40, 84, 100, 130, 200, 400])
def test_damage_of_the_last_record_is_not_declared_as_a_tear(store: Store, where: int) -> None:
    """A sector is written whole, so a record that is all there was whole. The journal goes on, and it shows."""
    journal = writer(store)
    journal.append(JournalType.ALIVE, moment(1))
    journal.append(JournalType.HOLD, moment(2), CALL, {"until": "2027-01-01", "text": "x" * 300})
    flip(segment(store), BLOCK + where)
    again = writer(store)
    assert again.damaged
    again.append(JournalType.ALIVE, moment(3))
    again.append(JournalType.ALIVE, moment(4))
    found = reader(store)
    assert [(r.type, r.public) for r in found.records()[1:]] == [
        (JournalType.CHECKPOINT, {"torn_blocks": 0}),
        (JournalType.ALIVE, {}),
        (JournalType.ALIVE, {}),
    ]
    assert found.problems() == ["keeper journal: unknown octets before record 2"]
    assert not writer(store).damaged


def test_the_journal_of_another_store_is_not_declared_as_a_tear(store: Store, tmp_path: Path) -> None:
    writer(store).append(JournalType.ALIVE, moment(1))
    other = Store.create(tmp_path / "foreign", slots=1, retention_days=30, demonstration=True)
    for second in range(3):
        writer(other).append(JournalType.ALIVE, moment(second))
    segment(store).write_bytes(segment(other).read_bytes())
    writer(store).append(JournalType.ALIVE, moment(5))
    assert numbers(reader(store)) == [1, 2]
    assert reader(store).problems() == ["keeper journal: unknown octets before record 1"]


@pytest.mark.parametrize(
    ("left", "torn"),
    [
        (bytes(BLOCK), True),
        (bytes(512) + b"?" * (3 * BLOCK - 512), True),  # its beginning is not there
        (b"?" * BLOCK, False),
        (b"TJNL" + b"?" * (BLOCK - 4), False),
    ],
)
def test_what_may_be_a_tear(left: bytes, torn: bool) -> None:
    assert may_be_torn(left, bytes(16)) is torn


def test_what_stands_between_records_undeclared_is_a_problem(store: Store) -> None:
    torn_after_two(store, 1)
    writer(store).append(JournalType.HOLD, moment(9), CALL)
    octets = segment(store).read_bytes()
    declared, rest = octets[3 * BLOCK : 4 * BLOCK], octets[4 * BLOCK :]
    segment(store).write_bytes(octets[: 3 * BLOCK] + b"?" * BLOCK + declared + rest[:-BLOCK])
    assert reader(store).problems() == ["keeper journal: unknown octets before record 3"]


def test_a_record_torn_at_the_end_of_a_segment_is_declared_in_the_next(store: Store) -> None:
    journal = writer(store)
    for second in range(SEGMENT_SIZE // BLOCK - 1):
        journal.append(JournalType.ALIVE, moment(second))
    octets = segment(store).read_bytes()
    segment(store).write_bytes(octets[:-BLOCK] + bytes(512) + b"?" * (BLOCK - 512))
    writer(store).append(JournalType.HOLD, moment(900), CALL)
    assert segment(store, 1).exists()
    assert [r.public for r in reader(store).records()[-2:]] == [{"torn_blocks": 1}, {}]
    assert reader(store).problems() == []
    segment(store).write_bytes(octets)
    assert reader(store).problems() == []  # declared, and not there after all: no harm
    flip(segment(store), SEGMENT_SIZE - 2 * BLOCK)
    last = SEGMENT_SIZE // BLOCK - 1
    assert reader(store).problems() == [f"keeper journal: records {last} to {last} are missing"]


def test_octets_at_the_end_of_a_segment_undeclared_are_a_problem(store: Store) -> None:
    journal = writer(store)
    for second in range(SEGMENT_SIZE // BLOCK + 1):
        journal.append(JournalType.ALIVE, moment(second))
    journal = writer(store)
    journal.append(JournalType.CHECKPOINT, moment(800), public={"text": "x" * BLOCK})
    for second in range(SEGMENT_SIZE // BLOCK - 5):
        journal.append(JournalType.ALIVE, moment(second))
    journal.append(JournalType.CHECKPOINT, moment(900), public={"text": "x" * 3 * BLOCK})
    assert segment(store, 2).exists()
    assert reader(store).problems() == []
    flip(segment(store, 1), SEGMENT_SIZE - 1)
    assert reader(store).problems() == [f"keeper journal: unknown octets before record {2 * SEGMENT_SIZE // BLOCK - 2}"]


def test_a_record_of_another_history_of_this_box_shows(store: Store) -> None:
    empty = segment(store).read_bytes()
    writer(store).append(JournalType.ALIVE, moment(1))
    one = segment(store).read_bytes()
    segment(store).write_bytes(empty)
    journal = writer(store)
    journal.append(JournalType.ALIVE, moment(2))
    journal.append(JournalType.ALIVE, moment(3))
    segment(store).write_bytes(one[:BLOCK] + segment(store).read_bytes()[BLOCK:])
    assert reader(store).problems() == ["keeper journal: record 2 does not follow the one before"]


def test_a_record_that_did_not_reach_the_disk_is_written_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = writer(store)
    synced: list[int] = []

    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("tsuwaroku.store.journal.os.fdatasync", fail)
        with pytest.raises(StoreError):
            journal.append(JournalType.ALIVE, moment(1))
        patched.setattr("tsuwaroku.store.journal.os.fdatasync", lambda fd: synced.append(numbers(reader(store))[-1]))
        journal.append(JournalType.ALIVE, moment(2))
        journal.append(JournalType.ALIVE, moment(3))
    assert synced == [1, 2]  # written before it is synced
    assert [record.wall_ns for record in reader(store).records()] == [moment(2).wall_ns, moment(3).wall_ns]
    assert reader(store).problems() == []


def test_removed_records_and_another_stores_records_show(store: Store, tmp_path: Path) -> None:
    journal = writer(store)
    for second in range(4):
        journal.append(JournalType.ALIVE, moment(second))
    octets = segment(store).read_bytes()
    segment(store).write_bytes(octets[:BLOCK] + octets[2 * BLOCK :] + bytes(BLOCK))
    damaged = reader(store)
    assert numbers(damaged) == [1, 3, 4]
    assert damaged.problems() == ["keeper journal: records 2 to 2 are missing"]
    other = Store.create(tmp_path / "other", slots=1, retention_days=30, demonstration=True)
    writer(other).append(JournalType.ALIVE, moment(1))
    segment(store).write_bytes(segment(other).read_bytes())
    assert reader(store).problems() == ["keeper journal: torn or damaged after record 0"]
    segment(store).write_bytes(octets[: 8 * BLOCK])
    assert reader(store).problems() == [f"keeper journal: keeper-00000.dat is not {SEGMENT_SIZE} octets long"]


def test_one_signature_covers_those_before_it_and_verify_asks_for_every_one(store: Store) -> None:
    journal = writer(store)
    for second in range(4):
        journal.append(JournalType.ALIVE, moment(second))
    flip(segment(store), 2 * BLOCK + SIGNATURE_AT)
    assert (numbers(reader(store)), reader(store).problems()) == ([1, 2, 3, 4], [])
    assert thorough(store).problems() == ["keeper journal: records 3 to 3 are missing"]
    flip(segment(store), 3 * BLOCK + SIGNATURE_AT)  # the one that vouches for them
    assert numbers(reader(store)) == [1, 2]
    flip(segment(store), 1 * BLOCK + 60)  # what was signed of the second, too
    assert numbers(reader(store)) == [1]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 5 * BLOCK - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_shows(store: Store, at: int, bit: int) -> None:
    pristine = segment(store).read_bytes()
    if not any(pristine):
        journal = writer(store)
        for second in range(4):
            journal.append(JournalType.MARK, moment(second), CALL, {"text": "x" * 3000}, {"at_s": 1.0})
        pristine = segment(store).read_bytes()
    flip(segment(store), at, bit)
    try:
        assert thorough(store).problems() != []
    finally:
        segment(store).write_bytes(pristine)
