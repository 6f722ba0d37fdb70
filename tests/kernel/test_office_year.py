"""The copies of an office's year on a kernel's own USB sticks, exFAT and FAT32, through the verbs: the scenario of
`tests/scenarios`, its people real accounts, its manager under sudo."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kernel.disks import run
from tests.kernel.office_sticks import UsbSticks
from tests.scenarios.office_year import spring
from tests.scenarios.office_year.__main__ import year
from tests.scenarios.office_year.acts import Office
from tests.scenarios.office_year.closing import closing
from tests.scenarios.office_year.copies import copies
from tests.scenarios.office_year.opened import opened
from tests.scenarios.office_year.people import accounts
from tests.service.people import place

pytestmark = [pytest.mark.slow, pytest.mark.kernel(machine="roomy", limit_s=180)]


@pytest.fixture
def office() -> Iterator[Office]:
    with place() as folder:
        for own, there in zip(accounts(folder), ("/etc/passwd", "/etc/group"), strict=True):
            run("mount", "--bind", str(own), there)
        sticks = UsbSticks()
        try:
            with opened(folder, usb=True) as box:
                yield Office(box, sticks)
        finally:
            sticks.close()
            for there in ("/etc/passwd", "/etc/group"):
                run("umount", there)


@pytest.mark.nightly
@pytest.mark.kernel(machine="roomy", limit_s=480)
def test_the_whole_year_on_usb_sticks(office: Office) -> None:
    year(office)


def test_copies_of_an_office_on_usb_sticks(office: Office, record_property: Callable[[str, object], None]) -> None:
    spring.appointments(office)
    held, let_go, waiting = spring.april(office)
    copies(office, spring.first_request(office, held, let_go, waiting))
    ledgers = closing(office)
    rows = sum(len(found) for found in ledgers.values())
    took = ", ".join(f"{kind} {office.export_s[name]:.1f} s" for kind, name in (("exFAT", "M-01"), ("FAT32", "M-02")))
    measured = (
        f"an office's copies on USB: {office.box.acts} command lines, {rows} rows; an export, waiting for USB: {took}"
    )
    record_property("measured", measured)
