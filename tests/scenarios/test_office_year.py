"""A year of an office on the product's real parts, 令和8年度 and into the next: what each ledger says at its end is
what was done, and can be made again from ring, journals and audit log alone."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator

import pytest

from tests.scenarios.office_year import april, autumn, spring
from tests.scenarios.office_year.acts import Office
from tests.scenarios.office_year.closing import closing
from tests.scenarios.office_year.copies import copies
from tests.scenarios.office_year.opened import opened
from tests.scenarios.office_year.sticks import VirtualSticks
from tests.service.people import needs_root, place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), needs_root]


@pytest.fixture
def office() -> Iterator[Office]:
    with place() as folder, opened(folder, usb=False) as box:
        yield Office(box, VirtualSticks(folder / "sticks"))


def cpu_s() -> float:
    """Of this process and of all that it made and saw end."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def test_a_year_of_an_office(office: Office, record_property: Callable[[str, object], None]) -> None:
    began_s, cpu_began_s = time.monotonic(), cpu_s()
    spring.appointments(office)
    held, let_go, waiting = spring.april(office)
    first = spring.first_request(office, held, let_go, waiting)
    spring.may_and_june(office)
    copies(office, first)
    autumn.who_may_decide(office)
    f1, f2 = autumn.a_handler_of_one_line(office)
    autumn.outside(office, f1, f2, let_go)
    autumn.a_handler_leaves(office)
    autumn.power(office)
    autumn.winter(office)
    april.the_change(office)
    april.the_new_year(office)
    ledgers = closing(office)
    assert len(office.book.requests) == 12
    rows = sum(len(found) for found in ledgers.values())
    record_property(
        "measured",
        f"a year of an office: {office.box.acts} command lines, {len(office.book.audit)} acts of people,"
        f" {len(office.book.calls)} calls, {rows} rows in seven ledgers,"
        f" {time.monotonic() - began_s:.0f} s, {cpu_s() - cpu_began_s:.0f} CPU-s",
    )
