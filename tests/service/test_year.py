"""A simulated year, and sixty days of it: 8 lines, a ring that wraps round nearly full, holds that come and go, power
cuts and kills in mid-commit and mid-erasure, and a clock that is wrong in every way. Every day is judged by true time.

Scale. 8 lines and 1,200 calls a working day stand behind it; drawn are `CALLS_A_DAY` (1:120), in the sixty days
`FEW_CALLS` (1:50), with weekends and the year's end as an office has them. A slot is 16 KiB instead of 256 KiB (1:16),
so that calls of several slots are common, and a call of minutes has 0.1 to 3 s of sound (some 1:600), in as many
commits as it has slots. The ring is in the same measure: 22 working days' calls are 60 % of it. The recorder's sign of
life is hourly instead of each ten minutes. Retention, clock, journals, erasure and order are those of the product:
real keeper, real writer, real store. TSUWAROKU_YEAR_CALLS=1200 is the year in full.

What each day is held against is `yearledger.py`; what goes wrong is `year.py`. A cut tears what is written at
sectors of 512 octets.
"""

from __future__ import annotations

import gc
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.service.year import HELD_AT_MOST, Year
from tests.service.yearbox import scaled_slots
from tests.service.yearledger import Truth
from tsuwaroku.service.statement import state
from tsuwaroku.store.slot import BLOCK, SLOTS_PER_FILE
from tsuwaroku.store.slot import SLOT_SIZE as REAL_SLOT

FEW_CALLS = 24
CALLS_A_DAY = int(os.environ.get("TSUWAROKU_YEAR_CALLS", "10"))
WEEKEND, FIVE_DAYS, THREE_WEEKS = 62, 120, 21 * 24  # hours without power
MEMORY_MIB = 48  # more than after the first 40 days, whatever the number of days (firmware/DESIGN.md, "The journals")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is one to write to: a year has some hundred thousand syncs."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(prefix="tsuwaroku-year-", dir=memory))
    yield made
    shutil.rmtree(made)


def resident_mib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def spoilt(year: Year, call: Truth, offset: int) -> None:
    """Of a flipped bit in a call that had to be kept, the statement does not hold; put right, it does."""
    (slot, *_) = year.ledger.present()[call.call_id]
    size = len(year.box.store.ring.read_slot(slot))
    assert size < REAL_SLOT
    path = year.box.path / "ring" / f"ring-{slot // SLOTS_PER_FILE:05}.dat"
    at = slot % SLOTS_PER_FILE * size + offset
    whole = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes([whole[at] ^ 1]))
    said = state(year.box.store, year.box.now()).statement
    assert (said.holds, said.problems != []) == (False, True)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(whole[at : at + 1])
    assert state(year.box.store, year.box.now()).statement.holds


def lived_through(year: Year) -> None:
    """Every day was as it must be; and at the end, what would be wrong is seen."""
    memory: list[float] = []
    year.run(lambda day: memory.append(resident_mib()) if day % 20 == 19 else None)
    figures = year.figures
    print(figures, [round(mib) for mib in memory])
    assert max(memory[2:], default=0) - memory[1] < MEMORY_MIB
    assert figures.statements >= year.days
    assert figures.most_held <= HELD_AT_MOST + 0.02
    assert figures.fullest > 0.75
    journals = sum(path.stat().st_size for path in (year.box.path / "journal").iterdir())
    records = sum(1 for j in (year.box.keeper._journal, year.box.recorder_journal) for _ in j.since(0))
    assert journals <= 1.1 * records * BLOCK + (2 << 20)  # 4 KiB a record, the tail of a segment besides
    kept = [call for call in year.ledger.calls.values() if year.ledger.earliest(call) > year.ledger.today()]
    spoilt(year, kept[0], 300)
    spoilt(year, kept[-1], BLOCK + 300)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sixty_days(folder: Path) -> None:
    with scaled_slots():
        lived_through(
            Year(
                folder / "store",
                first=date(2026, 11, 16),
                days=60,
                calls_a_day=FEW_CALLS,
                long_off={12: WEEKEND, 43: FIVE_DAYS},
            )
        )


@pytest.mark.nightly
@pytest.mark.timeout(0)
def test_a_year(folder: Path) -> None:
    with scaled_slots():
        lived_through(
            Year(
                folder / "store",
                first=date(2026, 11, 1),
                days=365,
                calls_a_day=CALLS_A_DAY,
                long_off={34: WEEKEND, 58: FIVE_DAYS, 110: WEEKEND, 150: THREE_WEEKS, 230: WEEKEND, 290: FIVE_DAYS},
            )
        )
