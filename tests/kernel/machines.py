"""The machines that tests ask for by name: `@pytest.mark.kernel(machine="two cards")`."""

from __future__ import annotations

from tests.kernel.guest import Machine

MACHINES: dict[str, Machine] = {
    "one card": Machine(),
    "real time": Machine(virtual=False),
    "roomy": Machine(memory_mb=1600),  # for a day's calls in RAM
    "two cards": Machine(cards=("tsuwa2", "annex")),
    # It begins in the first minute of 1970, as a Raspberry Pi does where nothing keeps the date.
    "no battery clock": Machine(start_ns=60 * 10**9),
}
