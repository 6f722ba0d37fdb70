"""Copies on a medium: whole, or seen not to be. What only a cut or a pull brings about is tried in the test kernel."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tsuwaroku.disclosure import media, medium
from tsuwaroku.disclosure.mark import CopiedFile, pack_mark, unpack_mark
from tsuwaroku.disclosure.medium import MARK, CopyState, Source, State, inspect_copy, spoil_copy, write_copy
from tsuwaroku.disclosure.names import check_names
from tsuwaroku.errors import MediumError, RefusedError, StoreError, TsuwarokuError

SOUND = bytes(range(256)) * 5000
UNFINISHED = CopyState(State.INCOMPLETE, ["the copying did not come to its end"])


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Source]:
    (tmp_path / "sound.flac").write_bytes(SOUND)
    return {"data/通話 1.flac": tmp_path / "sound.flac", "bagit.txt": b"BagIt-Version: 1.0\n", "data/empty": b""}


def copied(name: str, octets: bytes) -> CopiedFile:
    return CopiedFile(name, len(octets), hashlib.sha256(octets).hexdigest())


COPIED = (copied("data/通話 1.flac", SOUND), copied("bagit.txt", b"BagIt-Version: 1.0\n"), copied("data/empty", b""))


def test_a_copy_is_complete_and_says_what_it_holds(tmp_path: Path, files: dict[str, Source]) -> None:
    told: list[tuple[int, int]] = []
    folder = tmp_path / "copy"
    assert inspect_copy(folder) == CopyState(State.ABSENT)
    receipt = write_copy(folder, files, progress=lambda done, total: told.append((done, total)))
    assert (receipt.folder, receipt.files, receipt.octets) == (str(folder), COPIED, len(SOUND) + 19)
    assert told == sorted(told)
    assert (told[-1], {total for _, total in told}) == ((2 * receipt.octets,) * 2, {2 * receipt.octets})
    by_name = tuple(sorted(COPIED, key=lambda file: file.name))
    read: list[tuple[int, int]] = []
    assert inspect_copy(folder, progress=lambda *at: read.append(at)) == CopyState(State.COMPLETE, [], by_name)
    assert read[-1] == (receipt.octets, receipt.octets)
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found.pop(MARK) == pack_mark(COPIED)
    assert found == {"data/通話 1.flac": SOUND, "bagit.txt": b"BagIt-Version: 1.0\n", "data/empty": b""}


def test_a_mark_is_whole_or_none() -> None:
    whole = pack_mark(COPIED)
    assert unpack_mark(whole) == tuple(sorted(COPIED, key=lambda file: file.name))
    assert unpack_mark(pack_mark(())) == ()
    spoilt = [whole[:at] for at in range(len(whole))]
    spoilt += [whole[:at] + bytes(len(whole) - at) for at in range(len(whole))]
    spoilt += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    spoilt += [whole + b"\n", whole + whole, b"\xff" + whole]
    assert [octets for octets in spoilt if unpack_mark(octets) is not None] == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda path: path.unlink(), "bagit.txt: is missing"),
        (lambda path: path.write_bytes(b"short"), "bagit.txt: has 5 octets instead of 19"),
        (lambda path: path.write_bytes(b"BagIt-Version: 1.1\n"), "bagit.txt: is not what was copied"),
        (lambda path: (path.unlink(), path.mkdir()), "bagit.txt: is missing"),
    ],
)
def test_what_was_lost_or_changed_since_is_named(
    tmp_path: Path, files: dict[str, Source], spoil: Callable[[Path], object], problem: str
) -> None:
    folder = tmp_path / "copy"
    write_copy(folder, files)
    spoil(folder / "bagit.txt")
    state = inspect_copy(folder)
    assert (state.state, state.problems) == (State.DAMAGED, [problem])


@pytest.mark.parametrize("mark", [None, b"", bytes(400), pack_mark(COPIED)[:-1]])
def test_a_copy_without_a_whole_mark_is_incomplete_and_is_written_over(
    tmp_path: Path, files: dict[str, Source], mark: bytes | None
) -> None:
    folder = tmp_path / "copy"
    (folder / "data").mkdir(parents=True)
    (folder / "bagit.txt").write_bytes(b"half of something longer than it will be")
    if mark is not None:
        (folder / MARK).write_bytes(mark)
    assert inspect_copy(folder) == UNFINISHED
    write_copy(folder, files)
    assert inspect_copy(folder).state is State.COMPLETE
    assert (folder / "bagit.txt").read_bytes() == b"BagIt-Version: 1.0\n"


def test_what_else_is_there_stays(tmp_path: Path, files: dict[str, Source]) -> None:
    folder = tmp_path / "copy"
    write_copy(folder, files)
    with pytest.raises(RefusedError) as refused:
        write_copy(folder, {"other": b""})
    assert (refused.value.message, bool(refused.value.remedy)) == (
        "holds a finished copy, which is never written over",
        True,
    )
    (folder / MARK).unlink()
    with pytest.raises(RefusedError) as refused:
        write_copy(folder, {"other": b""})
    assert refused.value.message == "holds something else than a copy that was cut off (bagit.txt)"
    assert (folder / "bagit.txt").read_bytes() == b"BagIt-Version: 1.0\n"


def test_a_copy_that_is_not_to_count_loses_its_mark(tmp_path: Path, files: dict[str, Source]) -> None:
    """Not its name alone: the octets themselves, which a deleted file keeps on the medium."""
    folder = tmp_path / "copy"
    spoil_copy(folder)
    write_copy(folder, files)
    os.link(folder / MARK, tmp_path / "remnant")
    spoil_copy(folder)
    assert (tmp_path / "remnant").read_bytes() == bytes(len(pack_mark(COPIED)))
    assert inspect_copy(folder) == UNFINISHED
    assert (folder / "bagit.txt").exists()
    spoil_copy(folder)
    write_copy(folder, files)
    assert inspect_copy(folder).state is State.COMPLETE


@pytest.mark.parametrize(
    "name",
    [
        *("", "a//b", "/a", "a/", "..", "a/../b", "a:b", "a\\b", 'a"b', "a?", "a\nb", "a\x7f", "\ud800"),
        *(" a", "a ", "a.", "con", "Data/AUX.txt", "lpt1.flac", "x" * 256, "通" * 86),
    ],
)
def test_a_name_that_some_medium_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError) as refused:
        write_copy(tmp_path / "copy", {name: b""})
    assert refused.value.remedy
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "names",
    [
        ("a.txt", "A.txt"),
        ("Data/a", "data/b"),
        ("が", "か\u3099"),
        ("a", "a/b"),
        ("A/b", "a"),
        (MARK.upper(), "a"),
        (f"{MARK}/a",),
    ],
)
def test_two_names_that_a_medium_takes_for_one_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError):
        write_copy(tmp_path / "copy", dict.fromkeys(names, b""))
    assert not (tmp_path / "copy").exists()


def test_good_names_pass() -> None:
    check_names(["a", "data/a", "data/b/a", "通話記録.flac", "x" * 255, "通" * 85, "console.txt", ".hidden", "a b"])


def fails(number: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (errno.ENOSPC, MediumError, "the medium is full"),
        (errno.EROFS, MediumError, "the medium cannot be written to (Read-only file system)"),
        (errno.EIO, MediumError, "the medium does not answer any more (Input/output error)"),
        (errno.ENODEV, MediumError, "the medium does not answer any more (No such device)"),
        (errno.EFBIG, RefusedError, "is larger than 4 GiB, the most a file can have on a FAT medium"),
        (errno.EINVAL, RefusedError, "the medium cannot hold a file of this name (Invalid argument)"),
        (errno.EBUSY, MediumError, "something else on this machine uses the medium"),
        (errno.EOVERFLOW, MediumError, "the medium fails (Value too large for defined data type)"),
    ],
)
@pytest.mark.parametrize("step", ["write_fully", "sync_file", "sync_folder", "sync_medium"])
def test_a_failing_medium_is_explained_and_holds_no_copy(
    tmp_path: Path,
    files: dict[str, Source],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    kind: type[TsuwarokuError],
    message: str,
    step: str,
) -> None:
    monkeypatch.setattr(medium, step, fails(number))
    with pytest.raises(kind) as failed:
        write_copy(tmp_path / "copy", files)
    assert type(failed.value) is kind
    assert (failed.value.message, bool(failed.value.where), bool(failed.value.remedy)) == (message, True, True)
    assert inspect_copy(tmp_path / "copy").state in (State.ABSENT, State.INCOMPLETE)


def test_a_medium_that_keeps_something_else_is_found_out(
    tmp_path: Path, files: dict[str, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(fd: int, data: bytes | memoryview) -> None:
        os.write(fd, bytes(len(data)))

    monkeypatch.setattr(medium, "write_fully", forgetful)
    with pytest.raises(MediumError) as found:
        write_copy(tmp_path / "copy", files)
    assert found.value.message == "was read back from the medium, and is not what was copied"
    assert inspect_copy(tmp_path / "copy") == UNFINISHED


def test_a_full_medium_is_known_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    full = os.statvfs_result((real[0], 4096, *real[2:4], 10, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    with pytest.raises(MediumError) as refused:
        write_copy(tmp_path / "copy", {"a": bytes(40_000)})
    assert refused.value.message == "the medium has 40960 octets free, the copy needs 45056"
    assert not (tmp_path / "copy").exists()


def test_a_file_too_large_for_fat_is_refused_there_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = tmp_path / "large"
    large.touch()
    os.truncate(large, 1 << 32)
    monkeypatch.setattr(medium, "filesystem_of", lambda _: "vfat")
    with pytest.raises(RefusedError) as refused:
        write_copy(tmp_path / "copy", {"large": large})
    assert (refused.value.where, (tmp_path / "copy").exists()) == ("large", False)


def test_a_source_that_cannot_be_read_is_not_the_mediums_fault(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as failed:
        write_copy(tmp_path / "copy", {"a": tmp_path / "none"})
    assert (failed.value.where, (tmp_path / "copy").exists()) == (str(tmp_path / "none"), False)


def test_whoever_ends_a_copy_by_its_progress_leaves_it_incomplete(tmp_path: Path, files: dict[str, Source]) -> None:
    def enough(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_copy(tmp_path / "copy", files, progress=enough)
    assert inspect_copy(tmp_path / "copy") == UNFINISHED


def test_the_type_of_a_file_system_is_the_systems(tmp_path: Path) -> None:
    assert media.filesystem_of(Path("/proc")) == "proc"


def test_reading_past_the_page_cache_reads_what_is_there(tmp_path: Path) -> None:
    for size in (0, 1, 4096, media.STEP, media.STEP + 1):
        (tmp_path / "a").write_bytes(SOUND[:size].ljust(size, b"x"))
        read = b"".join(bytes(piece) for piece in media.from_device(tmp_path / "a"))
        assert read == (tmp_path / "a").read_bytes()
