"""What the erasure of a day costs the recorder: the time its commits take, with and without the keeper erasing beside.

    python -m tests.bench.erasing STORE CALLS     prints one JSON document

Eight lines commit four times a second; another process erases CALLS calls of a slot each, in the keeper's pieces and
with its naps. Both on the disk under STORE.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
from ulid import ULID

from tests.bench import fullring, manycalls
from tests.bench.counted import asked
from tests.bench.tick import quantile
from tsuwaroku.clock import ClockQuality, Instant
from tsuwaroku.service.keeper import NAP_S
from tsuwaroku.service.retention import SLOTS_A_POLL
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.erasure import Due, Eraser
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.recovery import catalogue_calls
from tsuwaroku.store.writer import CallOpening, RingWriter

LINES = 8
EVERY_S = 0.25
ALONE_S = 5.0
SPARE = 128  # slots for what is recorded meanwhile
RATE = 8000
EXPIRES = manycalls.FIRST_DAY + timedelta(days=30)


def now(second: float) -> Instant:
    """So long after the first call."""
    ns = round(second * 1e9)
    return Instant(fullring.START_NS + ns, ns, bytes(16), ClockQuality.SYNCHRONISED)


def opening(number: int, at: Instant) -> CallOpening:
    """A call of a line."""
    return CallOpening(
        id=fullring.call_id(number),
        line=str(number % LINES + 1),
        extension="1",
        direction="inbound",
        seized=at,
        rate=RATE,
        retention_days=30,
    )


def make(path: Path, calls: int) -> None:
    """A store of so many finished calls, listed, and as many free slots as the recorder will need."""
    fullring.make(path, calls + SPARE, 0, free=calls + SPARE)
    store = Store.open(path, need_device=True)
    Lease(slots=[(slot, 1) for slot in range(calls)], sequence_floor=1).save(store.lease_path, store.store_id)
    writer = RingWriter(store, instance=bytes(8), audit_head=lambda: bytes(32), hold_back=0)
    noise = np.random.default_rng(1).normal(0, 3000, 2 * RATE).astype("<i2").tobytes()
    model = manycalls.record(1, manycalls.FIRST_DAY)
    for number in range(1, calls + 1):
        call_id = fullring.call_id(number)
        writer.open(opening(number, now(number)))
        writer.audio(call_id, 0, noise)
        writer.close(call_id, msgspec.structs.replace(model, id=str(ULID.from_bytes(call_id))))
        writer.commit(now(number))
    catalogue_calls(store, Catalogue(store.catalogue_dir))
    spare = [(calls + n, 1) for n in range(SPARE)]
    Lease(slots=spare, sequence_floor=calls + 1).save(store.lease_path, store.store_id)
    store.close()


def erase(path: Path, calls: int) -> dict[str, float]:
    """What the keeper does in the first minutes of a day."""
    before = asked()
    store = Store.open(path, need_device=True)
    journal = Journal.open(store.journal_dir, "keeper", store, store.device)
    eraser = Eraser(
        store, journal, Catalogue(store.catalogue_dir), log=lambda _: "0" * 64, pause=lambda _: time.sleep(NAP_S)
    )
    ended = manycalls.FIRST_DAY
    due = [Due(call_id=fullring.call_id(n), ended_on=ended, expires_on=EXPIRES) for n in range(1, calls + 1)]
    begun, octets, gone = time.monotonic(), 0, 0
    for at in range(0, calls, SLOTS_A_POLL):
        done = eraser.erase(due[at : at + SLOTS_A_POLL], EXPIRES + timedelta(days=1), now(calls + 1))
        octets, gone = octets + done.octets, gone + len(done.calls)
    return {"took": time.monotonic() - begun, "octets": octets, "calls": gone, "asked": asked() - before}


def commits(
    writer: RingWriter, calls: list[bytes], second: float, going: float | subprocess.Popen[bytes]
) -> list[float]:
    """Milliseconds of each commit, for so many seconds or while that process runs."""
    noise = np.random.default_rng(2).normal(0, 3000, round(EVERY_S * RATE)).astype("<i2").tobytes()
    found: list[float] = []
    begun = time.monotonic()
    sample = round(second * RATE)
    while time.monotonic() - begun < going if isinstance(going, float) else going.poll() is None:
        for call_id in calls:
            writer.audio(call_id, sample, noise)
        sample += len(noise) // 2
        started = time.monotonic()
        writer.commit(now(1e6 + sample / RATE))
        found.append(1000 * (time.monotonic() - started))
        time.sleep(max(0.0, begun + len(found) * EVERY_S - time.monotonic()))
    return found


def measure(path: Path, calls: int) -> dict[str, object]:
    """Commits alone, then beside the erasure."""
    make(path, calls)
    store = Store.open(path, need_device=True)
    writer = RingWriter(store, instance=b"r" * 8, audit_head=lambda: bytes(32), hold_back=0)
    lines = list(range(calls + 1, calls + 1 + LINES))
    for number in lines:
        writer.open(opening(number, now(1e6)))
    ids = [fullring.call_id(number) for number in lines]
    alone = commits(writer, ids, 0.0, ALONE_S)
    command = [sys.executable, "-m", "tests.bench.erasing", "erase", str(path), str(calls)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        beside = commits(writer, ids, len(alone) * EVERY_S, child)
        told = json.loads(child.stdout.read()) if child.stdout is not None else {}
    return {
        **told,
        "alone": [quantile(sorted(alone), 0.5), max(alone)],
        "beside": [quantile(sorted(beside), 0.5), max(beside)],
        "commits": len(beside),
    }


if __name__ == "__main__":
    if sys.argv[1] == "erase":
        print(json.dumps(erase(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
