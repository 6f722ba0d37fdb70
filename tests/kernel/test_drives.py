"""What media owe, owed by USB sticks: found through libudev, formatted, mounted, pulled at any moment, wiped.

And what only a machine's own disks can show: which of them is never taken for a medium.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.disclosure import drives_contract
from tests.disclosure.drive_rigs import MIB
from tests.disclosure.drives_contract import FOLDER, SECRET, export, files_of, state_of, taken_on
from tests.kernel.disks import mount, run, unmount
from tests.kernel.drive_rigs import UsbRig
from tests.kernel.usb import GADGET
from tsuwaroku.disclosure.disks import dead_mounts
from tsuwaroku.disclosure.drive import Drive, Filesystem
from tsuwaroku.disclosure.drives import UsbDrives
from tsuwaroku.disclosure.identity import Match, Registered
from tsuwaroku.disclosure.medium import State
from tsuwaroku.disclosure.registering import prepare, recognise_drive, register
from tsuwaroku.disclosure.wipe import wipe
from tsuwaroku.errors import MediumError, RefusedError

pytestmark = [pytest.mark.slow, pytest.mark.kernel(limit_s=60)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[UsbRig]:
    rig = UsbRig(tmp_path)
    yield rig
    rig.close()


globals().update(drives_contract.owed(faults=False))


class LateHand:
    """Pulls the stick after `late_s`, whatever is going on."""

    def __init__(self, rig: UsbRig, late_s: float) -> None:
        self._rig = rig
        self._thread = threading.Thread(target=self._pull, args=(late_s,))
        self._thread.start()

    def _pull(self, late_s: float) -> None:
        time.sleep(late_s)
        self._rig.pull()

    def wait(self) -> None:
        self._thread.join()


def attempted(rig: UsbRig, late_s: float, act: Callable[[], object]) -> MediumError | None:
    """How an act failed during which the stick was pulled; None where it returned all the same."""
    hand = LateHand(rig, late_s)
    try:
        act()
    except MediumError as error:
        failed: MediumError | None = error
    else:
        failed = None
    hand.wait()
    assert failed is None or failed.remedy
    return failed


def took_s(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def moments(whole_s: float, number: int) -> list[float]:
    """From the first moment to after the end."""
    return [*(whole_s * moment / number for moment in range(number + 1)), 2 * whole_s]


def pulled_in_exports(rig: UsbRig, kind: Filesystem, number: int) -> None:
    registered = taken_on(rig, rig.new(), filesystem=kind)
    rig.replug()
    whole_s = took_s(lambda: export(rig, rig.drives.find().only(), registered))
    outcomes = []
    for late_s in moments(whole_s, number):
        prepare(rig.drives, rig.replug(), registered, SECRET, filesystem=kind)
        failed = attempted(rig, late_s, lambda: export(rig, rig.drives.find().only(), registered))
        drive = rig.replug()
        assert recognise_drive(rig.drives, drive, registered, SECRET).match is Match.SAME
        state = state_of(rig, drive)
        print(f"pulled after {late_s:.3f} s: {failed or 'returned'}: {state}")
        if failed is not None and state is State.COMPLETE:
            assert "locked away" in failed.remedy
        outcomes.append((failed is None, state))
    assert {state for returned, state in outcomes if returned} == {State.COMPLETE}
    assert {state for returned, state in outcomes if not returned} >= {State.ABSENT, State.INCOMPLETE}
    assert State.DAMAGED not in {state for _, state in outcomes}
    export(rig, drive, registered, files_of(2), replace=True)
    assert state_of(rig, rig.replug()) is State.COMPLETE


@pytest.mark.parametrize("kind", list(Filesystem))
def test_a_stick_that_is_pulled_at_any_moment_of_an_export(rig: UsbRig, kind: Filesystem) -> None:
    pulled_in_exports(rig, kind, 6)


@pytest.mark.nightly
@pytest.mark.kernel(limit_s=600)
@pytest.mark.parametrize("kind", list(Filesystem))
def test_a_stick_that_is_pulled_at_very_many_moments_of_an_export(rig: UsbRig, kind: Filesystem) -> None:
    pulled_in_exports(rig, kind, 150)


def test_a_stick_that_is_pulled_at_any_moment_of_a_registration(rig: UsbRig) -> None:
    rig.new()
    whole_s = took_s(lambda: taken_on(rig, rig.drives.find().only()))
    outcomes = []
    for number, late_s in enumerate(moments(whole_s, 6)):
        rig.replug()
        kind = list(Filesystem)[number % 2]
        done: list[Registered] = []
        failed = attempted(rig, late_s, lambda: done.append(taken_on(rig, rig.drives.find().only(), filesystem=kind)))  # noqa: B023
        for registered in done:
            assert recognise_drive(rig.drives, rig.replug(), registered, SECRET).match is Match.SAME
        outcomes.append(failed is None)
    assert outcomes == sorted(outcomes)
    assert (outcomes[0], outcomes[-1]) == (False, True)


def test_a_stick_that_is_pulled_at_any_moment_of_a_wipe(rig: UsbRig) -> None:
    rig.new()
    whole_s = took_s(lambda: wipe(rig.drives, rig.drives.find().only()))
    outcomes = []
    for late_s in moments(whole_s, 6):
        drive = rig.replug()
        with rig.drives.claim(drive) as claimed, claimed.raw() as raw:
            raw.write(rig.octets - 4096, b"call" * 1024)
        outcomes.append(attempted(rig, late_s, lambda: wipe(rig.drives, rig.drives.find().only())) is None)
        if outcomes[-1]:
            assert rig.content() == bytes(rig.octets)
    assert outcomes == sorted(outcomes)
    assert (outcomes[0], outcomes[-1]) == (False, True)
    assert wipe(rig.drives, rig.replug()).clean


def test_what_a_task_that_was_killed_left_mounted(rig: UsbRig) -> None:
    registered = taken_on(rig, rig.new())
    drive = rig.replug()
    child = os.fork()
    if not child:
        with rig.drives.claim(drive) as claimed, claimed.mounted() as root:
            (root / FOLDER).mkdir()
            os._exit(0)
    os.waitpid(child, 0)
    [place] = rig.drives.find().only().mounted_at
    assert Path(place).name == Path(drive.device).name
    export(rig, drive, registered)
    assert rig.drives.find().only().mounted_at == ()
    assert state_of(rig, rig.replug()) is State.COMPLETE


def test_what_a_task_that_was_killed_left_mounted_of_a_stick_that_is_gone(rig: UsbRig) -> None:
    registered = taken_on(rig, rig.new())
    drive = rig.replug()
    child = os.fork()
    if not child:
        with rig.drives.claim(drive) as claimed, claimed.mounted():
            os._exit(0)
    os.waitpid(child, 0)
    rig.pull()
    drive = rig.replug()
    assert len(dead_mounts(rig.mounts)) == 1
    export(rig, drive, registered)
    assert dead_mounts(rig.mounts) == ()
    assert list(rig.mounts.glob("*/*")) == []


def test_another_process_keeps_it(rig: UsbRig) -> None:
    drive = rig.new()
    heard, say = os.pipe()
    wait, go = os.pipe()
    child = os.fork()
    if not child:
        with rig.drives.claim(drive):
            os.write(say, b"x")
            os.read(wait, 1)
        os._exit(0)
    os.read(heard, 1)
    try:
        for act in (lambda: wipe(rig.drives, drive), lambda: register(rig.drives, drive, "M-1", SECRET)):
            with pytest.raises(MediumError, match="in use by another task"):
                act()
    finally:
        os.write(go, b"x")
        os.waitpid(child, 0)
        for end in (heard, say, wait, go):
            os.close(end)
    assert wipe(rig.drives, drive).clean


def test_what_somebody_has_mounted_is_left_alone(rig: UsbRig) -> None:
    registered = taken_on(rig, rig.new())
    drive = rig.replug()
    for place, error, said in (
        (Path("/dev/shm/srv"), RefusedError, "belongs to the box itself"),
        (Path("/media"), MediumError, "is mounted at /media"),
    ):
        mount(Path(drive.device), place, "exfat")
        found = rig.drives.find()
        assert [one.mounted_at for one in found.drives] + [(one.why,) for one in found.unusable] == [
            (str(place),) if place == Path("/media") else ("this disk belongs to the box itself",)
        ]
        for act in (lambda: wipe(rig.drives, drive), lambda: export(rig, drive, registered)):
            with pytest.raises(error, match=said) as refused:
                act()
            assert refused.value.remedy
        unmount(place)
    export(rig, drive, registered)


def test_a_file_that_somebody_has_open_is_told(rig: UsbRig) -> None:
    """And nothing stays mounted."""
    registered = taken_on(rig, rig.new())
    drive = rig.replug()
    kept: list[IO[bytes]] = []

    def keep(done: int, total: int) -> None:
        if not kept:
            kept.append((rig.mounts / Path(drive.device).name / FOLDER / "bagit.txt").open("rb"))

    with pytest.raises(MediumError, match="something else on this machine uses the medium"):
        export(rig, drive, registered, progress=keep)
    kept[0].close()
    assert rig.drives.find().only().mounted_at == ()
    export(rig, drive, registered, replace=True)


def test_the_boxs_own_disks_are_never_media(rig: UsbRig) -> None:
    """On a USB port, too: the ring's SSD may have one."""

    def why() -> list[str]:
        found = rig.drives.find()
        assert found.drives == ()
        with pytest.raises(RefusedError):
            found.only()
        return [one.why for one in found.unusable]

    drive = rig.new()
    assert rig.stick is not None
    for make, kind in ((("mkfs.ext4", "-q", "-F"), "ext4"), (("mkswap", "-f"), "swap")):
        run(*make, drive.device)
        assert why() == [f"there is a Linux file system on it ({kind}): it may be a disk of the box"]
        with pytest.raises(RefusedError, match="Linux file system"):
            wipe(rig.drives, drive)
    rig.pull()
    rig.stick.image.write_bytes(bytes(rig.octets))
    write_partition(rig.stick.image, rig.octets, 0x83)
    rig.replug_unseen()
    run("mkfs.ext4", "-q", "-F", partition_of(drive))
    assert why() == ["there is a Linux file system on it (ext4): it may be a disk of the box"]


def test_a_fixed_disk_is_none(rig: UsbRig) -> None:
    rig.new()
    rig.pull()
    unit = GADGET / "functions/mass_storage.0/lun.0"
    (unit / "file").write_text("\n")
    (unit / "removable").write_text("0")
    rig.replug_unseen()
    [one] = rig.drives.find().unusable
    assert one.why == "this is a fixed disk, as the box's own SSD is, and not a removable medium"
    with pytest.raises(RefusedError, match="fixed disk"):
        rig.drives.find().at(one.device)


def test_a_card_reader_is_none(rig: UsbRig) -> None:
    """Two disks of one USB device have one serial number."""
    rig.new()
    rig.pull()
    function, link = GADGET / "functions/mass_storage.0", GADGET / "configs/c.1/mass_storage.0"
    second = function / "lun.1"
    link.unlink()
    second.mkdir()
    link.symlink_to(function)
    card = Path("/dev/shm/card.img")
    card.write_bytes(bytes(MIB))
    (second / "removable").write_text("1")
    (second / "file").write_text(str(card))
    try:
        assert rig.stick is not None
        (GADGET / "UDC").write_text(os.listdir("/sys/class/udc")[0])
        until = time.monotonic() + 10.0
        while len(found := rig.drives.find().unusable) < 2:
            assert time.monotonic() < until, "the two cards do not appear"
            time.sleep(0.1)
        assert rig.drives.find().drives == ()
        assert ["card reader" in one.why for one in found] == [True, True]
    finally:
        rig.pull()
        (second / "file").write_text("\n")
        link.unlink()
        second.rmdir()
        link.symlink_to(function)
        card.unlink()


def test_the_disk_of_a_protected_path_is_none(rig: UsbRig) -> None:
    taken_on(rig, rig.new())
    drive = rig.replug()
    mount(Path(drive.device), Path("/media"), "exfat")
    own = UsbDrives(mounts=rig.mounts, protected=[Path("/media/store/ring-0")])
    assert [one.why for one in own.find().unusable] == ["this disk belongs to the box itself"]
    with pytest.raises(RefusedError, match="belongs to the box"), own.claim(drive):
        pass
    unmount(Path("/media"))
    assert own.find().only() == drive


def test_a_stick_as_it_is_sold_has_a_partition(rig: UsbRig) -> None:
    """Taken on, it has none."""
    drive = rig.new()
    assert rig.stick is not None
    rig.pull()
    write_partition(rig.stick.image, rig.octets, 0x0C)
    rig.replug_unseen()
    run("mkfs.vfat", partition_of(drive))
    drive = rig.replug()
    registered = taken_on(rig, drive)
    drive = rig.replug()
    assert not Path(f"/sys/class/block/{Path(drive.device).name}1").exists()
    export(rig, drive, registered)


def partition_of(drive: Drive) -> str:
    """The first one, once the kernel has found it."""
    until = time.monotonic() + 5.0
    while not Path(f"{drive.device}1").exists():
        assert time.monotonic() < until, "no partition appears"
        time.sleep(0.02)
    return f"{drive.device}1"


def write_partition(image: Path, octets: int, kind: int) -> None:
    """A partition table with one entry: from 1 MiB to the end."""
    first = 2048
    entry = (
        bytes([0, 0, 0, 0, kind, 0, 0, 0]) + first.to_bytes(4, "little") + (octets // 512 - first).to_bytes(4, "little")
    )
    with image.open("r+b") as file:
        file.seek(446)
        file.write(entry.ljust(64, b"\0") + b"\x55\xaa")
