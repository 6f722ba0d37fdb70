"""The year as a program: `python -m tests.scenarios.office_year [CHAPTERS]`, as root.

It forks people all the time, which a process that has had threads may not do: so it is one of its own.
"""

from __future__ import annotations

import resource
import time

from tests.scenarios.office_year import april, autumn, spring
from tests.scenarios.office_year.acts import Office
from tests.scenarios.office_year.closing import Ledgers, closing
from tests.scenarios.office_year.copies import copies
from tests.scenarios.office_year.opened import opened
from tests.scenarios.office_year.sticks import VirtualSticks
from tests.service.people import place


def year(office: Office) -> Ledgers:
    """Chapter by chapter; what the ledgers say at the end."""
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
    return ledgers


def cpu_s() -> float:
    """Of this process and of all that it made and saw end."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def main() -> None:
    """Prints what it came to, in one line, the last."""
    began_s = time.monotonic()
    with place() as folder, opened(folder, usb=False) as box:
        office = Office(box, VirtualSticks(folder / "sticks"))
        ledgers = year(office)
    print(
        f"a year of an office: {box.acts} command lines, {len(office.book.audit)} acts of people,"
        f" {len(office.book.calls)} calls, {sum(map(len, ledgers.values()))} rows in seven ledgers,"
        f" {time.monotonic() - began_s:.0f} s, {cpu_s():.0f} CPU-s"
    )


if __name__ == "__main__":
    main()
