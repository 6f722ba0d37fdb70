"""Whoever can write to the store, and the technician who tidies up: what they do to the audit log, and what it says.

The log here is of four days and has the acts of three calls; the ring's commits and the keeper's journal name heads.
Each attack is one function over the folder of the log; beside it stands, word for word, what `verify` answers.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.store.reading import Box, at
from tsuwaroku.clock import ClockQuality, Instant, from_iso
from tsuwaroku.errors import StoreError
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.auditcheck import check_log
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import catalogue_calls
from tsuwaroku.store.verify import verify_store

DAYS = ("2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26")
DAY_S = 86_400


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Box:
    """Entries 1 to 8, two a day. Head 1 is in the ring, head 7 in the keeper's journal, 8 is named by nothing."""
    box = Box(tmp_path_factory.mktemp("pristine") / "store")
    box.call(1)
    catalogue_calls(box.store, Catalogue(box.store.catalogue_dir))
    box.audit.append(at(1), "manager", "play", "01CALL", "苦情の確認")
    for day in (1, 2, 3):
        for second in (0, 1):
            box.audit.append(at(day * DAY_S + second), "handler", "play", f"01CALL{day}{second}", "応対の改善")
            if (day, second) == (3, 0):
                named = box.audit.head().hex()
    box.journal().append(JournalType.CHECKPOINT, at(4 * DAY_S), public={"audit_head": named})
    box.audit.close()
    return box


@pytest.fixture
def store(pristine: Box, tmp_path: Path) -> Store:
    shutil.copytree(pristine.store.path, tmp_path / "copy")
    return Store.open(tmp_path / "copy")


def found(store: Store) -> list[str]:
    report = verify_store(store)
    assert (report.ok, [call.problems for call in report.calls]) == (not report.problems, [[]])
    return report.problems


def day(folder: Path, number: int) -> Path:
    return folder / f"{DAYS[number]}.jsonl"


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def delete(number: int) -> Callable[[Path], object]:
    return lambda folder: day(folder, number).unlink()


def cut(number: int, octets: int) -> Callable[[Path], object]:
    return lambda folder: day(folder, number).write_bytes(day(folder, number).read_bytes()[:-octets])


def cut_at_a_line(number: int) -> Callable[[Path], object]:
    return lambda folder: day(folder, number).write_bytes(lines(day(folder, number))[0])


def swap_lines(folder: Path) -> None:
    day(folder, 1).write_bytes(b"".join(reversed(lines(day(folder, 1)))))


def swap_days(folder: Path) -> None:
    first, second = day(folder, 1).read_bytes(), day(folder, 2).read_bytes()
    day(folder, 1).write_bytes(second)
    day(folder, 2).write_bytes(first)


def rename_last(folder: Path) -> None:
    day(folder, 3).rename(folder / "2026-12-30.jsonl")


def rename_first(folder: Path) -> None:
    day(folder, 0).rename(folder / "1999-01-01.jsonl")


def another_day(folder: Path) -> None:
    shutil.copy(day(folder, 1), folder / "2026-11-27.jsonl")


def old_line_again(folder: Path) -> None:
    day(folder, 3).write_bytes(day(folder, 3).read_bytes() + lines(day(folder, 0))[0])


def empty_line(folder: Path) -> None:
    day(folder, 1).write_bytes(b"\n".join(lines(day(folder, 1))))


def windows(folder: Path) -> None:
    day(folder, 1).write_bytes(day(folder, 1).read_bytes().replace(b"\n", b"\r\n"))


def no_utf8(folder: Path) -> None:
    day(folder, 1).write_bytes(day(folder, 1).read_bytes().replace(b"handler", b"h\xffndler", 1))


def zeros_between(folder: Path) -> None:
    day(folder, 1).write_bytes(bytes(100).join(lines(day(folder, 1))))


def byte_order_mark(folder: Path) -> None:
    day(folder, 0).write_bytes(b"\xef\xbb\xbf" + day(folder, 0).read_bytes())


def notes_of_a_technician(folder: Path) -> None:
    shutil.copy(day(folder, 1), folder / "2026-11-24 (copy).jsonl")
    shutil.copy(day(folder, 1), folder / "zzz.jsonl")
    (folder / "README.txt").write_text("do not touch")


def another_name(folder: Path) -> None:
    day(folder, 1).write_bytes(day(folder, 1).read_bytes().replace(b'"handler"', b'"manager"', 1))


def another_whys_words(folder: Path) -> None:
    first, second = (msgspec.json.decode(line, type=AuditEntry) for line in lines(day(folder, 1)))
    day(folder, 1).write_bytes(msgspec.structs.replace(first, sealed=second.sealed).line() + second.line())


def signature_of_another_entry(folder: Path) -> None:
    first, second = (msgspec.json.decode(line, type=AuditEntry) for line in lines(day(folder, 1)))
    day(folder, 1).write_bytes(msgspec.structs.replace(first, sig=second.sig).line() + second.line())


def everything_gone(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


LOST_1 = "audit: 1 entries that ring or journal name are gone from the log"
LOST_2 = "audit: 2 entries that ring or journal name are gone from the log"

ATTACKS: list[tuple[Callable[[Path], object], list[str]]] = [
    (delete(3), [LOST_1]),
    (
        delete(0),
        ["audit 2026-11-24.jsonl line 1: entries 1 to 2 are missing before it", LOST_1],
    ),
    (delete(1), ["audit 2026-11-25.jsonl line 1: entries 3 to 4 are missing before it"]),
    (cut_at_a_line(0), ["audit 2026-11-24.jsonl line 1: entries 2 to 2 are missing before it"]),
    (
        cut(1, 100),
        [
            "audit 2026-11-24.jsonl line 2: not an entry (torn or damaged)",
            "audit 2026-11-25.jsonl line 1: entries 4 to 4 are missing before it",
        ],
    ),
    (cut(3, 100), ["audit 2026-11-26.jsonl line 2: not an entry (torn or damaged)"]),
    (
        swap_lines,
        [
            "audit 2026-11-24.jsonl line 1: entries 3 to 3 are missing before it",
            "audit 2026-11-24.jsonl line 2: entry 3 does not follow entry 4",
            "audit 2026-11-25.jsonl line 1: entries 4 to 4 are missing before it",
        ],
    ),
    (
        swap_days,
        [
            "audit 2026-11-24.jsonl line 1: entries 3 to 4 are missing before it",
            "audit 2026-11-24.jsonl line 1: an entry of 2026-11-25 has no place in this file",
            "audit 2026-11-24.jsonl line 2: an entry of 2026-11-25 has no place in this file",
            "audit 2026-11-25.jsonl line 1: entry 3 does not follow entry 6",
            "audit 2026-11-25.jsonl line 1: an entry of 2026-11-24 has no place in this file",
            "audit 2026-11-26.jsonl line 1: entries 5 to 6 are missing before it",
        ],
    ),
    (rename_last, ["audit 2026-12-30.jsonl line 1: an entry of 2026-11-26 has no place in this file"]),
    (
        rename_first,
        [
            "audit 1999-01-01.jsonl line 1: an entry of 2026-11-23 has no place in this file",
            "audit 1999-01-01.jsonl line 2: an entry of 2026-11-23 has no place in this file",
        ],
    ),
    (
        another_day,
        [
            "audit 2026-11-27.jsonl line 1: entry 3 does not follow entry 8",
            "audit 2026-11-27.jsonl line 1: an entry of 2026-11-24 has no place in this file",
        ],
    ),
    (old_line_again, ["audit 2026-11-26.jsonl line 3: entry 1 does not follow entry 8"]),
    (empty_line, ["audit 2026-11-24.jsonl line 2: not an entry (torn or damaged)"]),
    (windows, [f"audit 2026-11-24.jsonl line {n}: not as it was written" for n in (1, 2)]),
    (
        no_utf8,
        [
            "audit 2026-11-24.jsonl line 1: not an entry (torn or damaged)",
            "audit 2026-11-24.jsonl line 2: entries 3 to 3 are missing before it",
        ],
    ),
    (
        zeros_between,
        [
            "audit 2026-11-24.jsonl line 2: not an entry (torn or damaged)",
            "audit 2026-11-25.jsonl line 1: entries 4 to 4 are missing before it",
        ],
    ),
    (
        byte_order_mark,
        [
            "audit 2026-11-23.jsonl line 1: not an entry (torn or damaged)",
            "audit 2026-11-23.jsonl line 2: entries 1 to 1 are missing before it",
            LOST_1,
        ],
    ),
    (
        notes_of_a_technician,
        [f"audit {name}: is no file of the log" for name in ("2026-11-24 (copy).jsonl", "README.txt", "zzz.jsonl")],
    ),
    (
        another_name,
        [
            "audit 2026-11-24.jsonl line 1: entry 3 was changed",
            "audit 2026-11-24.jsonl line 2: entry 4 does not follow entry 3",
        ],
    ),
    (another_whys_words, ["audit 2026-11-24.jsonl line 1: the sealed words of entry 3 were changed"]),
    (signature_of_another_entry, ["audit 2026-11-24.jsonl line 1: the signature of entry 3 is wrong"]),
    (everything_gone, [LOST_2]),
]


@pytest.mark.parametrize(("attack", "answer"), ATTACKS, ids=[str(n) for n in range(len(ATTACKS))])
def test_every_attack_is_told_in_these_words(store: Store, attack: Callable[[Path], object], answer: list[str]) -> None:
    assert found(store) == []
    attack(store.audit_dir)
    assert found(store) == answer


def test_a_tail_that_something_names_cannot_be_cut_off_unseen(store: Store) -> None:
    """Entry 7 is in the keeper's journal: with it everything before is held. What comes after it is the limit."""
    whole = lines(day(store.audit_dir, 3))
    day(store.audit_dir, 3).write_bytes(whole[0])
    assert found(store) == []
    day(store.audit_dir, 3).unlink()
    assert found(store) == [LOST_1]


def test_the_log_of_another_box_is_no_log_of_this_one(store: Store, tmp_path: Path) -> None:
    other = Box(tmp_path / "other")
    other.audit.append(at(1), "manager", "play", "01CALL", "苦情の確認")
    everything_gone(store.audit_dir)
    shutil.copy(other.store.audit_dir / "2026-11-23.jsonl", store.audit_dir)
    name = "audit 2026-11-23.jsonl"
    assert found(store) == [
        f"{name} line 1: the signature of entry 1 is wrong",
        f"{name} line 2: the signature of entry 2 is wrong",
        LOST_1,
    ]


def test_a_fork_made_without_the_device_key_is_signed_by_nobody(store: Store, tmp_path: Path) -> None:
    """All entries anew, chained as they should be, one act left out; the signatures are another key's. Entry 1 has
    the same words and so the same hash; entry 7 has not."""
    entries = [e for e in AuditLog.open(store).entries() if e.number != 4]
    everything_gone(store.audit_dir)
    stranger = Store.create(tmp_path / "stranger", slots=1, retention_days=30, demonstration=True)
    forger = AuditLog(store.audit_dir, stranger.device)
    for entry in entries:
        forger.append(moment(entry.at), entry.actor, entry.verb, entry.subject)
    forger.close()
    problems = found(store)
    assert [text.partition(": ")[2] for text in problems[:-1]] == [
        f"the signature of entry {n} is wrong" for n in range(1, 8)
    ]
    assert problems[-1] == LOST_1


def moment(text: str) -> Instant:
    return Instant(from_iso(text), 0, bytes(16), ClockQuality.SYNCHRONISED)


def test_a_fork_made_with_the_device_key_lacks_the_entries_that_ring_and_journal_name(store: Store) -> None:
    entries = [e for e in AuditLog.open(store).entries() if e.number != 2]
    everything_gone(store.audit_dir)
    forger = AuditLog.open(store, store.device)
    for entry in entries:
        forger.append(moment(entry.at), entry.actor, entry.verb, entry.subject)
    forger.close()
    assert found(store) == [LOST_1]


def test_an_older_state_of_everything_is_a_sound_store_of_that_day(pristine: Box, tmp_path: Path) -> None:
    """The limit: log, journals and ring put back together are as they were then, and only what somebody wrote down
    outside shows it, a head on a statement (`known_head`)."""
    copy = tmp_path / "copy"
    shutil.copytree(pristine.store.path, copy)
    store = Store.open(copy)
    log = AuditLog.open(store, store.device)
    later = log.append(at(5 * DAY_S), "manager", "play", "01CALL", "苦情の確認")
    log.close()
    assert (found(store), verify_store(store, known_head=later.hash).problems) == ([], [])
    shutil.rmtree(copy)
    shutil.copytree(pristine.store.path, copy)
    store = Store.open(copy)
    assert found(store) == []
    assert verify_store(store, known_head=later.hash).problems == [
        "audit: the entry that was noted outside the box is gone from the log"
    ]


def test_a_huge_line_costs_neither_memory_nor_time(store: Store) -> None:
    path = day(store.audit_dir, 1)
    with path.open("r+b") as file:
        file.truncate(1 << 40)  # zeros, and no disk for them
    name = "audit 2026-11-24.jsonl"
    assert found(store) == [
        f"{name} line 3: longer than any entry; it is passed over, and so is the rest of the file if it does not end",
    ]


def test_of_many_problems_the_first_are_told_and_the_rest_counted(store: Store) -> None:
    with day(store.audit_dir, 3).open("ab") as file:
        file.write(b"rubbish\n" * 2000)
    problems = found(store)
    assert problems == [
        *(f"audit 2026-11-26.jsonl line {n}: not an entry (torn or damaged)" for n in range(3, 53)),
        "audit: 1950 more problems",
    ]


# -- the writer after an attack, a mishap, and with a wrong clock


def test_the_writer_takes_no_file_for_a_day_that_is_none(store: Store) -> None:
    notes_of_a_technician(store.audit_dir)
    log = AuditLog.open(store, store.device)
    entry = log.append(at(4 * DAY_S), "keeper", "start")
    log.close()
    assert (entry.number, (store.audit_dir / "2026-11-27.jsonl").read_bytes()) == (9, entry.line())


def test_a_box_that_wakes_up_in_1970_breaks_no_chain(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store", slots=1, retention_days=30, demonstration=True)
    log = AuditLog.open(store, store.device)
    times = [
        "1970-01-01T09:00:00",  # a first start without a clock
        "2026-11-23T09:00:00",
        "1970-01-01T09:00:07",  # a restart: the clock comes later
        "2026-11-23T10:00:00",
        "2026-11-22T10:00:00",  # set back a day
        "2026-11-24T00:00:00",
        "2099-01-01T00:00:00",  # and ahead by many years: its file takes what follows
        "2026-11-24T01:00:00",
    ]
    for count, time in enumerate(times):
        if count % 3 == 0:  # now and then a start
            log.close()
            log = AuditLog.open(store, store.device)
        log.append(moment(time), "keeper", str(count))
    log.close()
    assert check_log(AuditLog.open(store)).problems == []
    assert [(path.stem, len(lines(path))) for path in AuditLog.open(store).files()] == [
        ("1970-01-01", 1),
        ("2026-11-23", 4),
        ("2026-11-24", 1),
        ("2099-01-01", 2),
    ]
    assert [entry.number for entry in AuditLog.open(store).entries()] == list(range(1, 9))


def test_a_line_whose_beginning_never_reached_the_disk_is_torn_too(store: Store) -> None:
    """A line over two pages of the disk's cache: the second was written, the first was not."""
    path = day(store.audit_dir, 3)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(300) + b'"sig":"00"}\n')
    log = AuditLog.open(store, store.device)
    assert path.read_bytes() == whole
    log.append(at(3 * DAY_S + 9), "keeper", "start")
    log.close()
    assert [(e.number, e.verb) for e in AuditLog.open(store).entries()][-2:] == [(9, "audit.torn"), (10, "start")]
    assert found(store) == []


def test_a_day_of_which_nothing_was_written_leaves_no_file(store: Store) -> None:
    """A cut between making the file and writing the line; then the clock is set back."""
    (store.audit_dir / "2026-12-31.jsonl").touch()
    log = AuditLog.open(store, store.device)
    log.append(at(3 * DAY_S + 9), "keeper", "start")
    log.close()
    assert [path.stem for path in AuditLog.open(store).files()] == list(DAYS)
    assert found(store) == []


def test_octets_without_an_end_swallow_no_entry(store: Store) -> None:
    path = day(store.audit_dir, 3)
    log = AuditLog.open(store, store.device)  # it knows the end
    with path.open("ab") as file:
        file.write(b"rubbish")
    log.append(at(3 * DAY_S + 9), "keeper", "start")
    log.close()
    assert found(store) == ["audit 2026-11-26.jsonl line 3: not an entry (torn or damaged)"]
    assert [entry.number for entry in AuditLog.open(store).entries()] == list(range(1, 10))


def test_a_write_whose_undoing_fails_too_doubles_no_number(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is there, but nobody knows whether it is durable, and the disk has become read-only."""
    log = AuditLog.open(store, store.device)

    def fail(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr("tsuwaroku.store.audit.os.fdatasync", fail)
        patched.setattr("tsuwaroku.store.audit.os.ftruncate", fail)
        with pytest.raises(StoreError):
            log.append(at(3 * DAY_S + 9), "keeper", "first")
    assert log.append(at(3 * DAY_S + 10), "keeper", "second").number == 10
    log.close()
    assert [(e.number, e.verb) for e in AuditLog.open(store).entries()][-2:] == [(9, "first"), (10, "second")]
    assert found(store) == []


def octets_read() -> int:
    """By this process, from whatever file, cached or not."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_start_reads_the_end_of_the_last_file_alone(store: Store) -> None:
    """A year has 300 MB. And a date far ahead makes one file of all that follows it."""
    for path in AuditLog.open(store).files():
        kept = path.read_bytes()
        path.write_bytes(b"x" * (4 << 20) + b"\n" + kept)
    before = octets_read()
    log = AuditLog.open(store, store.device)
    assert log.append(at(4 * DAY_S), "keeper", "start").number == 9
    assert AuditLog.open(store).head() == log.head()
    log.close()
    assert 0 < octets_read() - before < 1 << 20
