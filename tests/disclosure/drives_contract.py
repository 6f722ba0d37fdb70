"""What every kind of medium owes the exports: taken over, test by test, by whoever has a `rig`.

test_virtual_drives.py and test_loop_drives.py run it here, tests/kernel/test_drives.py on USB sticks of the test
kernel.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable

import pytest

from tests.disclosure.drive_rigs import MIB, SERIAL, Faults, Rig
from tsuwaroku.disclosure import drives as real_drives
from tsuwaroku.disclosure.drive import BLOCK, STEP, UNREADABLE, Drive, Filesystem, Progress
from tsuwaroku.disclosure.exporting import Exported, export_onto, inspect_export
from tsuwaroku.disclosure.identity import TOKEN, Match, Registered, pack_token, registered_as
from tsuwaroku.disclosure.medium import MARK, State, write_copy
from tsuwaroku.disclosure.probe import probe_capacity
from tsuwaroku.disclosure.registering import (
    Registration,
    find_registered,
    prepare,
    read_token,
    recognise_drive,
    register,
)
from tsuwaroku.disclosure.wipe import NotWipedError, Stretch, Wiped, wipe
from tsuwaroku.errors import MediumError, RefusedError

SECRET = bytes(range(32))
FOLDER = "令和8年度 第1号"


class Enough(Exception):
    """Somebody breaks an act off."""


def files_of(seed: int, octets: int = 90_000) -> dict[str, bytes]:
    rng = random.Random(seed)
    return {"bagit.txt": b"BagIt-Version: 1.0\n", **{f"data/{n}.flac": rng.randbytes(octets + n) for n in range(3)}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where time is real, nobody waits long for what a test holds on purpose."""
    monkeypatch.setattr(real_drives, "LOCK_S", 0.3)


@pytest.fixture
def filed(rig: Rig) -> Rig:
    """A rig whose media can be mounted."""
    if not rig.filesystems:
        pytest.skip("this kernel mounts neither exFAT nor FAT32")
    return rig


def taken_on(rig: Rig, drive: Drive, name: str = "M-1", filesystem: Filesystem | None = None) -> Registered:
    """Registered quickly."""
    kind = filesystem or rig.filesystems[0]
    return register(rig.drives, drive, name, SECRET, filesystem=kind).registered


def export(
    rig: Rig, drive: Drive, registered: Registered, files: dict[str, bytes] | None = None, **more: object
) -> Exported:
    return export_onto(
        rig.drives,
        drive,
        FOLDER,
        files or files_of(1),
        registered=registered,
        secret=SECRET,
        **more,  # type: ignore[arg-type]
    )


def state_of(rig: Rig, drive: Drive) -> State:
    """Of the copy, as the next one to plug the medium in finds it."""
    return inspect_export(rig.drives, drive, FOLDER).state


def told_to(told: list[tuple[int, int]]) -> Progress:
    return lambda done, total: told.append((done, total))


class Hand:
    """Pulls the medium once an act has gone `steps` steps."""

    def __init__(self, rig: Rig, steps: int) -> None:
        self._rig = rig
        self.left = steps
        self.told: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.told.append((done, total))
        self.left -= 1
        if self.left == 0:
            self._rig.pull()


# -- what a medium is


def test_a_medium_says_what_it_is(rig: Rig) -> None:
    drive = rig.new()
    assert (drive.serial, drive.capacity_octets, drive.read_only) == (SERIAL, rig.octets, False)
    assert (drive.filesystem, drive.label, drive.mounted_at) == ("", "", ())
    assert drive.insertion > 0
    assert SERIAL in drive.id_serial
    assert rig.drives.find().at(drive.device) == drive
    with pytest.raises(RefusedError) as refused:
        rig.drives.find().at("/dev/mmcblk0")
    assert (refused.value.where, bool(refused.value.remedy)) == ("/dev/mmcblk0", True)


def test_it_has_one_user_at_a_time(rig: Rig) -> None:
    drive = rig.new()
    with (
        rig.drives.claim(drive),
        pytest.raises(MediumError, match="in use by another task"),
        rig.drives.claim(drive),
    ):
        pass
    with rig.drives.claim(drive) as claimed:
        assert claimed.present()


def test_one_that_was_plugged_in_again_is_another(rig: Rig) -> None:
    drive = rig.new()
    again = rig.replug()
    assert again.insertion != drive.insertion
    with pytest.raises(MediumError, match="was pulled out"), rig.drives.claim(drive):
        pass
    with rig.drives.claim(again) as claimed:
        assert claimed.present()


def test_none_is_there_once_it_is_pulled(rig: Rig) -> None:
    drive = rig.new()
    with rig.drives.claim(drive) as claimed:
        assert claimed.stays()
        rig.pull()
        assert not claimed.stays()
        with pytest.raises(MediumError, match="was pulled out"), claimed.mounted(read_only=True):
            pass
    with pytest.raises(MediumError, match="no medium is plugged in"):
        rig.drives.find().only()
    with pytest.raises(MediumError, match="was pulled out"), rig.drives.claim(drive):
        pass


def test_octets_are_written_and_read_back(rig: Rig) -> None:
    drive = rig.new()
    places = {0: b"a" * BLOCK, 3 * MIB: b"b" * (MIB + BLOCK), rig.octets - BLOCK: b"c" * BLOCK}
    with rig.drives.claim(drive) as claimed, claimed.raw() as raw:
        assert raw.octets == rig.octets
        for at, octets in places.items():
            raw.write(at, octets)
        raw.sync()
        assert {at: raw.read(at, len(octets)) for at, octets in places.items()} == places
        assert raw.read(rig.octets - BLOCK, STEP) == b"c" * BLOCK
    content = rig.content()
    assert {at: content[at : at + len(octets)] for at, octets in places.items()} == places


def test_files_last(filed: Rig) -> None:
    for kind in filed.filesystems:
        drive = filed.new()
        with filed.drives.claim(drive) as claimed:
            claimed.format(kind, "COPIES")
            with claimed.mounted() as root:
                assert list(root.iterdir()) == []
                write_copy(root / FOLDER, files_of(1))
        drive = filed.replug()
        assert (drive.filesystem, drive.label, drive.mounted_at) == (kind.value, "COPIES", ())
        assert state_of(filed, drive) is State.COMPLETE
        with filed.drives.claim(drive) as claimed, claimed.mounted(read_only=True) as root:
            found = {path.relative_to(root / FOLDER).as_posix(): path for path in (root / FOLDER).rglob("*.*")}
            assert {name: path.read_bytes() for name, path in found.items() if name != MARK} == files_of(1)
        assert not root.exists() or list(root.iterdir()) == []


def test_a_label_that_some_file_system_cannot_have_is_refused(rig: Rig) -> None:
    with rig.drives.claim(rig.new()) as claimed:
        for label in ("", "lower", "TWELVELETTER", "TWO WORDS", "通話", "A/B", "-n\n"):
            with pytest.raises(RefusedError, match="no name for a medium"):
                claimed.format(Filesystem.EXFAT, label)
    assert rig.content() == bytes(rig.octets)


def test_what_has_no_file_system_is_not_mounted(rig: Rig) -> None:
    drive = rig.new()
    for read_only in (True, False):
        with (
            rig.drives.claim(drive) as claimed,
            pytest.raises(MediumError, match="no file system") as refused,
            claimed.mounted(read_only=read_only),
        ):
            pass
        assert refused.value.remedy


def test_an_error_inside_leaves_nothing_mounted(filed: Rig) -> None:
    drive = filed.new()
    with filed.drives.claim(drive) as claimed:
        claimed.format(filed.filesystems[0], "COPIES")
        with pytest.raises(Enough), claimed.mounted() as root:
            raise Enough
        with claimed.mounted() as root:
            (root / "a").write_bytes(b"a")
    assert filed.drives.find().only().mounted_at == ()


def test_a_write_protected_medium_is_read_and_not_written(filed: Rig) -> None:
    registered = taken_on(filed, filed.new())
    drive = filed.replug(read_only=True)
    assert drive.read_only
    acts: list[Callable[[], object]] = [
        lambda: export(filed, drive, registered),
        lambda: wipe(filed.drives, drive),
        lambda: prepare(filed.drives, drive, registered, SECRET),
        lambda: register(filed.drives, drive, "M-2", SECRET),
    ]
    for act in acts:
        with pytest.raises(MediumError, match="write-protected") as refused:
            act()
        assert refused.value.remedy
    assert recognise_drive(filed.drives, drive, registered, SECRET).match is Match.SAME


# -- registering and recognising


def test_a_registered_medium_is_recognised(filed: Rig) -> None:
    for kind in filed.filesystems:
        told: list[tuple[int, int]] = []
        done = register(filed.drives, filed.new(), "M-1", SECRET, filesystem=kind, progress=told_to(told))
        assert done.capacity.honest
        assert (done.capacity.claimed_octets, done.capacity.real_octets) == (filed.octets, None)
        assert (told[-1][0], {total for _, total in told}) == (told[-1][1], {told[-1][1]})
        assert (done.registered.serial, done.filesystem, done.weak_serial) == (SERIAL, kind, False)
        drive = filed.replug()
        assert recognise_drive(filed.drives, drive, done.registered, SECRET).match is Match.SAME
        other = registered_as("M-2", filed.drives.find().only())
        known = [other, done.registered]
        found = find_registered(filed.drives, drive, known, SECRET)
        assert found is not None
        assert (found[0].name, found[1].match) == ("M-1", Match.SAME)


def test_another_boxs_token_and_none_are_told_apart(filed: Rig) -> None:
    registered = taken_on(filed, filed.new())
    drive = filed.replug()
    assert recognise_drive(filed.drives, drive, registered, bytes(32)).match is Match.OTHER_TOKEN
    with filed.drives.claim(drive) as claimed, claimed.mounted() as root:
        (root / TOKEN).unlink()
    assert recognise_drive(filed.drives, drive, registered, SECRET).match is Match.NO_TOKEN
    with pytest.raises(RefusedError, match="its token is gone"):
        export(filed, drive, registered)
    prepare(filed.drives, drive, registered, SECRET, filesystem=filed.filesystems[-1])
    drive = filed.drives.find().only()
    assert recognise_drive(filed.drives, drive, registered, SECRET).match is Match.SAME
    assert export(filed, drive, registered).medium == "M-1"


def test_a_token_on_another_medium_does_not_make_it_the_same(filed: Rig) -> None:
    registered = taken_on(filed, filed.new())
    other = filed.new(serial="900047F1C2A95D310")
    assert recognise_drive(filed.drives, other, registered, SECRET).match is Match.OTHER
    assert find_registered(filed.drives, other, [registered], SECRET) is None
    with filed.drives.claim(other) as claimed:
        claimed.format(filed.filesystems[0], "COPIES")
        with claimed.mounted() as root:
            (root / TOKEN).write_bytes(pack_token(registered, SECRET))
    other = filed.drives.find().only()
    assert recognise_drive(filed.drives, other, registered, SECRET).match is Match.OTHER_HARDWARE
    for act in (
        lambda: export(filed, other, registered),
        lambda: prepare(filed.drives, other, registered, SECRET),
    ):
        with pytest.raises(RefusedError, match="somebody has copied its files"):
            act()


def test_what_is_not_registered(filed: Rig) -> None:
    """Refused before anything is written."""
    registered = taken_on(filed, filed.new())
    drive = filed.replug()
    before = filed.content()

    def asked(name: str, known: list[Registered], at: Drive = drive) -> Registration:
        return register(filed.drives, at, name, SECRET, known=known)

    with pytest.raises(RefusedError, match=r"registered before, as M-1: .*9\(5\)"):
        asked("M-2", [registered])
    with pytest.raises(RefusedError, match="there has been a medium M-1 already"):
        asked("M-1", [registered])
    for name in ("", "two words", "x" * 65, "a\nb"):
        with pytest.raises(RefusedError, match="no name for a medium"):
            asked(name, [])
    assert filed.content() == before
    for serial in ("", "0", "000000000000", "0123456789ABCDEF", "1234567890", "AA00000000000489"):
        weak = filed.new(serial=serial)
        with pytest.raises(RefusedError, match="no serial number of its own"):
            asked("M-3", [], weak)
    assert register(
        filed.drives, weak, "M-3", SECRET, filesystem=filed.filesystems[0], accept_weak_serial=True
    ).weak_serial


def test_a_medium_that_is_smaller_than_it_says(rig: Rig) -> None:
    for real in (rig.octets // 2, 3 * MIB, rig.octets - BLOCK):
        drive = rig.new(Faults(real_octets=real))
        assert drive.capacity_octets == rig.octets
        with rig.drives.claim(drive) as claimed, claimed.raw() as raw:
            quick = probe_capacity(raw)
            whole = probe_capacity(raw, whole=True)
        assert [(found.honest, found.real_octets) for found in (quick, whole)] == [(False, real)] * 2
        assert (quick.tried_octets < rig.octets, whole.tried_octets) == (True, rig.octets)
        with pytest.raises(MediumError, match=f"says that it has {rig.octets} octets, and keeps {real} at the most"):
            register(rig.drives, drive, "M-1", SECRET)


# -- exporting


def test_an_export_counts(filed: Rig) -> None:
    for kind in filed.filesystems:
        registered = taken_on(filed, filed.new(), filesystem=kind)
        drive = filed.replug()
        told: list[tuple[int, int]] = []
        done = export(filed, drive, registered, progress=told_to(told))
        assert (done.medium, done.folder, done.octets) == ("M-1", FOLDER, sum(map(len, files_of(1).values())))
        assert [file.name for file in done.files] == list(files_of(1))
        assert told == sorted(told)
        assert told[-1] == (3 * done.octets, 3 * done.octets)
        drive = filed.replug()
        assert state_of(filed, drive) is State.COMPLETE
        with pytest.raises(RefusedError, match="finished copy"):
            export(filed, drive, registered)
        assert state_of(filed, drive) is State.COMPLETE


def test_a_folder_that_would_be_none_is_refused(filed: Rig) -> None:
    registered = taken_on(filed, filed.new())
    drive = filed.replug()
    for folder in ("", "a/b", "..", "/a", TOKEN, TOKEN.upper(), "con"):
        with pytest.raises(RefusedError) as refused:
            export_onto(filed.drives, drive, folder, files_of(1), registered=registered, secret=SECRET)
        assert refused.value.remedy
    assert recognise_drive(filed.drives, drive, registered, SECRET).match is Match.SAME


def test_a_copy_that_no_ledger_counts_is_written_over_when_that_is_said(filed: Rig) -> None:
    registered = taken_on(filed, filed.new())
    drive = filed.replug()
    export(filed, drive, registered)
    with filed.drives.claim(drive) as claimed, claimed.mounted() as root:
        (root / FOLDER / "bagit.txt").unlink()
    assert state_of(filed, drive) is State.DAMAGED
    with pytest.raises(RefusedError, match="finished copy"):
        export(filed, drive, registered)
    export(filed, drive, registered, files_of(2), replace=True)
    with filed.drives.claim(drive) as claimed, claimed.mounted(read_only=True) as root:
        assert (root / FOLDER / "data/0.flac").read_bytes() == files_of(2)["data/0.flac"]
    assert state_of(filed, filed.replug()) is State.COMPLETE


# 4 files written, read back, inspected; then what comes after the last step.
@pytest.mark.parametrize("steps", [1, 3, 6, 8, 9, 11, 12])
def test_a_medium_that_is_pulled_in_an_export(filed: Rig, steps: int) -> None:
    kind = filed.filesystems[steps % len(filed.filesystems)]
    registered = taken_on(filed, filed.new(), filesystem=kind)
    drive = filed.replug()
    hand = Hand(filed, steps)
    with pytest.raises(MediumError) as failed:
        export(filed, drive, registered, progress=hand)
    assert "pulled out" in failed.value.message or "does not answer" in failed.value.message
    assert failed.value.remedy
    assert hand.left <= 0
    drive = filed.replug()
    if steps < 8:  # nothing is marked before all of it was read back
        assert state_of(filed, drive) in (State.ABSENT, State.INCOMPLETE)
    done = export(filed, drive, registered, files_of(2), replace=True)
    assert state_of(filed, filed.replug()) is State.COMPLETE
    assert done.files[1].size == len(files_of(2)["data/0.flac"])


def test_a_medium_that_is_put_in_again_in_an_export_is_not_gone_on_with(filed: Rig) -> None:
    """Whatever it may be by now."""
    for steps in (2, 7, 10):
        registered = taken_on(filed, filed.new())
        drive = filed.replug()
        left = steps

        def bounce(done: int, total: int) -> None:
            nonlocal left
            left -= 1
            if not left:
                filed.replug()

        with pytest.raises(MediumError) as failed:
            export(filed, drive, registered, progress=bounce)
        assert failed.value.remedy
        drive = filed.drives.find().only()
        assert drive.mounted_at == ()
        export(filed, drive, registered, replace=True)


def test_an_export_that_is_broken_off(filed: Rig) -> None:
    registered = taken_on(filed, filed.new())
    drive = filed.replug()
    for steps in (2, 8, 10):
        left = steps

        def enough(done: int, total: int) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Enough

        with pytest.raises(Enough):
            export(filed, drive, registered, progress=enough)
        drive = filed.replug()
        assert state_of(filed, drive) is State.INCOMPLETE
    export(filed, drive, registered)


def test_a_medium_without_room(filed: Rig) -> None:
    for kind in filed.filesystems:
        registered = taken_on(filed, filed.new(), filesystem=kind)
        drive = filed.replug()
        with pytest.raises(MediumError) as failed:
            export(filed, drive, registered, files_of(1, 3 * MIB))
        assert "octets free" in failed.value.message or "full" in failed.value.message
        assert failed.value.remedy
        drive = filed.replug()
        assert state_of(filed, drive) in (State.ABSENT, State.INCOMPLETE)


def test_a_medium_that_loses_what_it_is_given(filed: Rig) -> None:
    """It lies about its size, and nobody tried it at the registration."""
    for kind in filed.filesystems:
        drive = filed.new(Faults(real_octets=5 * MIB))
        registered = registered_as("M-1", drive)
        with pytest.raises((MediumError, RefusedError)) as failed:  # noqa: PT012 - with any of its first uses
            prepare(filed.drives, drive, registered, SECRET, filesystem=kind)
            drive = filed.replug()
            export(filed, drive, registered, files_of(1, 2 * MIB))
        assert failed.value.remedy
        drive = filed.replug()
        try:
            left = state_of(filed, drive)
        except MediumError:
            continue  # its file system is spoilt, too
        assert left is not State.COMPLETE


# -- wiping


def test_a_wiped_medium_holds_zeros(rig: Rig) -> None:
    drive = rig.new()
    with rig.drives.claim(drive) as claimed, claimed.raw() as raw:
        for at in range(0, raw.octets, STEP):
            raw.write(at, b"call" * (STEP // 4))
    told: list[tuple[int, int]] = []
    done = wipe(rig.drives, drive, lambda *at: told.append(at))
    assert isinstance(done, Wiped)
    assert (done.octets, done.zero_octets, done.passes, done.bad) == (rig.octets, rig.octets, 2, ())
    assert done.clean
    assert done.id_serial == drive.id_serial
    assert told[-1] == (3 * rig.octets, 3 * rig.octets)
    content = rig.content()
    assert content == bytes(rig.octets)
    drive = rig.replug()
    assert (drive.filesystem, drive.label) == ("", "")


def test_a_wiped_medium_is_known_by_its_hardware_alone(filed: Rig) -> None:
    registered = taken_on(filed, filed.new())
    wipe(filed.drives, filed.replug())
    drive = filed.replug()
    assert recognise_drive(filed.drives, drive, registered, SECRET).match is Match.NO_TOKEN
    with filed.drives.claim(drive) as claimed:
        assert read_token(claimed) is None
    with pytest.raises(RefusedError, match="registered before"):
        register(filed.drives, drive, "M-2", SECRET, known=[registered])


def test_a_medium_that_is_pulled_in_a_wipe(rig: Rig) -> None:
    """In each of the passes, and with the very last octet."""
    drive = rig.new()
    steps = rig.octets // STEP
    for pulled in (1, steps + steps // 2, 2 * steps + 3, 3 * steps):
        hand = Hand(rig, pulled)
        with pytest.raises(MediumError, match="was pulled out") as failed:
            wipe(rig.drives, drive, hand)
        assert not isinstance(failed.value, NotWipedError)
        assert "begin anew" in failed.value.remedy
        drive = rig.replug()
    assert wipe(rig.drives, drive).clean


def test_a_wipe_that_is_broken_off_is_none(rig: Rig) -> None:
    drive = rig.new()

    def enough(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        wipe(rig.drives, drive, enough)
    assert wipe(rig.drives, drive).clean


def test_bad_blocks_are_no_wipe(rig: Rig) -> None:
    begin, end = 5 * MIB + 2 * BLOCK, 5 * MIB + 5 * BLOCK
    drive = rig.new(Faults(bad=(begin, end)))
    with pytest.raises(NotWipedError) as failed:
        wipe(rig.drives, drive)
    wiped = failed.value.wiped
    assert wiped.bad == (Stretch(begin, end - begin),)
    assert (wiped.clean, wiped.zero_octets) == (False, rig.octets - (end - begin))
    assert failed.value.message == f"{end - begin} octets in 1 places of the medium could not be wiped"
    assert "destroy" in failed.value.remedy


def test_a_medium_of_which_most_is_bad_is_given_up(rig: Rig) -> None:
    drive = rig.new(Faults(bad=(2 * MIB, 6 * MIB)))
    with pytest.raises(NotWipedError) as failed:
        wipe(rig.drives, drive)
    assert not failed.value.wiped.clean


def test_bad_blocks_are_no_registration(rig: Rig) -> None:
    """At once where even the first ones are: it might be a disk of the box."""
    drive = rig.new(Faults(bad=(0, BLOCK)))
    assert drive.filesystem == UNREADABLE
    with pytest.raises(MediumError, match="nobody can tell what is on it"):
        register(rig.drives, drive, "M-1", SECRET)
    with pytest.raises(NotWipedError):
        wipe(rig.drives, drive)
    drive = rig.new(Faults(bad=(5 * MIB, 8 * MIB)))
    assert drive.filesystem == ""
    with pytest.raises(MediumError) as failed:
        register(rig.drives, drive, "M-1", SECRET)
    assert isinstance(failed.value.__cause__, OSError)
    assert (failed.value.__cause__.errno, bool(failed.value.remedy)) == (errno.EIO, True)


def owed(*, pulls: bool = True, faults: bool = True) -> dict[str, object]:
    """The contract, for a module that has a `rig`; without what needs hands that pull, or faults, where it has none."""
    left_out = {test.__name__ for test in (*(() if pulls else PULLED), *(() if faults else FAULTY))}
    names = [name for name in globals() if name.startswith("test_") and name not in left_out]
    return {name: globals()[name] for name in (*names, "impatient", "filed")}


PULLED: tuple[Callable[..., None], ...] = (
    test_none_is_there_once_it_is_pulled,
    test_a_medium_that_is_pulled_in_an_export,
    test_a_medium_that_is_put_in_again_in_an_export_is_not_gone_on_with,
    test_a_medium_that_is_pulled_in_a_wipe,
)
FAULTY: tuple[Callable[..., None], ...] = (
    test_a_medium_that_is_smaller_than_it_says,
    test_a_medium_that_loses_what_it_is_given,
    test_bad_blocks_are_no_wipe,
    test_a_medium_of_which_most_is_bad_is_given_up,
    test_bad_blocks_are_no_registration,
)
