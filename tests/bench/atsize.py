"""One measurement of a ring or a list at full size, as a program: `python -m tests.bench.atsize WHAT ARGUMENTS`.

It prints one JSON document. What it is measured on is made by the same program beforehand (`ring`, `month`).
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
from tinydb import TinyDB
from tinydb.table import Document
from ulid import ULID

from tests.bench import fullring, manycalls
from tests.bench.counted import Counter
from tests.service.fakering import FakeStore
from tsuwaroku.clock import ClockQuality, Instant, SystemClock
from tsuwaroku.config import Config, LineConfig, StoreConfig
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.store import slottable
from tsuwaroku.store.calllist import quick_public, quick_records
from tsuwaroku.store.cardcache import CardCache
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import DEMO_KEY, Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.rebuild import rebuild
from tsuwaroku.store.tombstone import Tombstone, Why, name_of, public_of
from tsuwaroku.store.writer import CallOpening, RingWriter

NO_RECORD = (0, bytes(32))
CUTS = 64


def make_ring(path: str, slots: str, calls: str) -> None:
    """A full ring but for the slots of a lease."""
    fullring.make(Path(path), int(slots), int(calls), free=min(2048, int(slots) // 8))


def start(path: str) -> dict[str, float]:
    """A keeper's reading of the ring, from the snapshot where there is one; one is left for the next."""
    begun = time.monotonic()
    store = Store.open(Path(path), need_device=True)
    table = SlotTable(store, None, lambda *_: True)
    took = time.monotonic() - begun
    octets = slottable.save(store.table_path, table.image([], NO_RECORD), store)
    saved = time.monotonic()
    granted = len(table.grant(1845))
    grant_us = 1e6 * (time.monotonic() - saved) / granted
    begun = time.monotonic()
    table.check(1000)
    check_us = 1e3 * (time.monotonic() - begun)
    return {"from_snapshot": table.from_snapshot, "took": took, "table": octets, "grant": grant_us, "check": check_us}


def laps(slots: str, share: str) -> list[float]:
    """µs of CPU for a slot lent and taken back, three times round; `share` of the slots held at random."""
    total = int(slots)
    table = SlotTable(FakeStore(Path("/nowhere"), total).it)
    image = table.image([], NO_RECORD)
    held = np.flatnonzero(np.random.default_rng(1).random(total) < float(share))
    image.state[held], image.owner[held] = slottable.USED, slottable.UNREADABLE
    table._adopt(image)
    found = []
    for _ in range(3):
        begun, left = time.process_time(), total - len(held)
        while left:
            places = table.grant(min(1845, left))
            left -= len(places)
            table.take_back(places)
            table._next = (places[-1][0] + 1) % total
        found.append(1e6 * (time.process_time() - begun) / (total - len(held)))
    return found


def make_month(path: str, calls: str) -> None:
    """A catalogue of 30 days."""
    manycalls.make(Path(path), int(calls))


def listed(path: str, boxes: str) -> dict[str, float]:
    """A list, with the key where there is somewhere for boxes."""
    store = Store.open(Path(path))
    key = PrivateKey.load(Path(path) / DEMO_KEY, lambda: "")
    begun, cpu = time.monotonic(), time.process_time()
    if boxes:
        found = len(quick_records(store, key, CardCache(Path(boxes), store.store_id, key), []))
    else:
        found = len(quick_public(store, []))
    return {"took": time.monotonic() - begun, "cpu": time.process_time() - cpu, "calls": found}


def sqlite(path: str, file: str) -> dict[str, float]:
    """The same public records from a table of SQLite, decoded by the same decoder."""
    store = Store.open(Path(path))
    records = quick_public(store, [])
    database = sqlite3.connect(file)
    database.execute("create table if not exists calls (sequence integer primary key, record blob)")
    rows = [(record.sequence, msgspec.json.encode(record)) for record in records]
    database.executemany("insert or replace into calls values (?, ?)", rows)
    database.commit()
    decoder = msgspec.json.Decoder(type(records[0]))
    begun = time.monotonic()
    found = [decoder.decode(octets) for (octets,) in database.execute("select record from calls order by sequence")]
    return {"took": time.monotonic() - begun, "calls": len(found)}


def listing(path: str, calls: str) -> dict[str, float]:
    """Octets written for each call of a day, put into the catalogue one after the other; and as it was before, the
    day's file replaced for each; and by an insert of TinyDB's own storage into a day half full, times one."""
    folder, total = Path(path), int(calls)
    store = Store.create(folder / "store", slots=1, retention_days=30, demonstration=True)
    model = manycalls.entry(1, manycalls.FIRST_DAY, store.recipients)
    entries = []
    for number in range(1, total + 1):
        call = ULID.from_bytes(model.call_id[:6] + number.to_bytes(10, "big"))
        public = msgspec.structs.replace(model.public, sequence=number, id=str(call))
        entries.append(msgspec.structs.replace(model, public=public))
    counter = Counter(folder)
    counter.wrap_os()
    ours = Catalogue(store.catalogue_dir)
    for entry in entries:
        ours.put(entry)
    ours.fold()
    written = sum(count["octets"] for count in counter.counts.values())
    size = (store.catalogue_dir / f"{manycalls.FIRST_DAY}.json").stat().st_size
    database = TinyDB(folder / "tinydb.json")
    plain = json.loads(msgspec.json.encode(model))
    database.insert_multiple(Document(plain, doc_id=number) for number in range(1, total // 2))
    database.close()
    return {
        "ours": written / total,
        "replaced": size / total * (total + 1) / 2,
        "tinydb": float((folder / "tinydb.json").stat().st_size),
    }


def make_calls(path: str, calls: str) -> None:
    """A ring of finished calls of two seconds, a slot each, as the recorder writes them; no catalogue."""
    total, folder = int(calls), Path(path)
    fullring.make(folder, total, 0, free=total)
    store = Store.open(folder, need_device=True)
    Lease(slots=[(slot, 1) for slot in range(total)], sequence_floor=1).save(store.lease_path, store.store_id)
    writer = RingWriter(store, instance=bytes(8), audit_head=lambda: bytes(32), hold_back=0)
    model = manycalls.record(1, manycalls.FIRST_DAY)
    for number in range(1, total + 1):
        now = Instant(fullring.START_NS + number * 10**9, number * 10**9, bytes(16), ClockQuality.SYNCHRONISED)
        call_id = fullring.call_id(number)
        opening = CallOpening(
            id=call_id, line="1", extension="1", direction="inbound", seized=now, rate=8000, retention_days=30
        )
        writer.open(opening)
        writer.audio(call_id, 0, bytes(2 * 16000))
        writer.commit(now)
        writer.close(call_id, msgspec.structs.replace(model, id=str(ULID.from_bytes(call_id))))
        writer.commit(now)
    store.close()


def rebuilt(path: str) -> dict[str, float]:
    """The catalogue made again from the ring."""
    store = Store.open(Path(path), need_device=True)
    begun = time.monotonic()
    calls = rebuild(store).calls
    return {"took": time.monotonic() - begun, "calls": calls}


def make_journals(path: str, days: str) -> None:
    """So many days of 1,200 calls: a sign of life each ten minutes, 55 late marks a day, and of all but the last 30
    days' calls the tombstones, 43 to a record, as a busy night writes them."""
    store = Store.create(Path(path), slots=64, retention_days=30, demonstration=True)
    os.fdatasync = os.fsync = lambda fd: None
    recorder = Journal.open(store.journal_dir, "recorder", store, store.device)
    keeper = Journal.open(store.journal_dir, "keeper", store, store.device)
    erased = int(days) - 30
    for day in range(int(days)):
        now = Instant(fullring.START_NS + day * 86_400 * 10**9, day * 86_400 * 10**9, bytes(16), ClockQuality.HOLDOVER)
        calls = [day * 1200 + number for number in range(1, 1201)]
        for _ in range(144):
            recorder.append(JournalType.ALIVE, now)
        for number in calls[:55]:
            to = store.recipients.to_wrap()
            recorder.append(JournalType.MARK, now, fullring.call_id(number), {"marks": 1}, {"at_s": 1.0}, to)
        for begin in range(0, 1200 if day < erased else 0, 43):
            stones = [_stone(number, day) for number in calls[begin : begin + 43]]
            keeper.append(JournalType.TOMBSTONE, now, public=public_of(stones))
            recorder.erase_sealed({stone.name for stone in stones})
            keeper.append(JournalType.ERASED, now, public={"sequences": [stone.sequence for stone in stones]})


def _stone(number: int, day: int) -> Tombstone:
    ended = date.fromordinal(740_000 + day)
    call_id = fullring.call_id(number)
    return Tombstone(
        name=name_of(call_id),
        sequence=number,
        digest=call_id * 2,
        ended_on=ended,
        expires_on=ended,
        why=Why.AGE,
        slots=((number % 2**20, 3), (number * 7 % 2**20, 4)),
        on=ended,
    )


def keeper_start(path: str) -> dict[str, float]:
    """A keeper's whole start, and a poll after it."""
    store = Store.open(Path(path), need_device=True)
    settings = Config(line=(LineConfig(id="1"),), store=StoreConfig(retention_days=30))
    keeper = Keeper(store, settings, SystemClock())
    begun, cpu = time.monotonic(), time.process_time()
    keeper.start()
    started, used = time.monotonic(), time.process_time()
    keeper.poll()
    poll = time.monotonic() - started
    size = sum(path.stat().st_size for path in store.journal_dir.iterdir())
    return {"took": started - begun, "cpu": used - cpu, "poll": poll, "octets": size}


def cuts(path: str, calls: str) -> dict[str, float]:
    """Shares of power cuts in an insert after which a day's list cannot be read. TinyDB's JSONStorage writes over its
    file: any front of the new octets over the old ones. Ours is a file beside it, which counts when it is whole."""
    folder, total = Path(path), int(calls)
    store = Store.create(folder / "store", slots=1, retention_days=30, demonstration=True)
    model = manycalls.entry(1, manycalls.FIRST_DAY, store.recipients)
    plain = json.loads(msgspec.json.encode(model))
    found = []
    for count in (total, total + 1):
        database = TinyDB(folder / "tinydb.json")
        database.truncate()
        database.insert_multiple({**plain, "number": number} for number in range(count, 0, -1))
        database.close()
        found.append((folder / "tinydb.json").read_bytes())
    before, after = found
    tiny = ours = 0
    catalogue = Catalogue(store.catalogue_dir)
    catalogue.put(model)
    catalogue.fold()
    file = store.catalogue_dir / f"{manycalls.FIRST_DAY}.json"
    whole = file.read_bytes()
    places = [len(after) * part // CUTS for part in range(1, CUTS)]
    for place in places:
        (folder / "tinydb.json").write_bytes(after[:place] + before[place:])
        try:
            with TinyDB(folder / "tinydb.json") as database:
                tiny += len(database) not in (total, total + 1)
        except ValueError:
            tiny += 1
        (file.parent / f".{file.name}.tmp").write_bytes(whole[: len(whole) * place // len(after)])
        ours += [one.public.sequence for one in Catalogue(store.catalogue_dir).for_day(file.stem)] != [1]
    return {"tinydb": 100 * tiny / len(places), "ours": 100 * ours / len(places)}


WHAT: dict[str, Callable[..., object]] = {
    "ring": make_ring,
    "start": start,
    "laps": laps,
    "month": make_month,
    "list": listed,
    "sqlite": sqlite,
    "listing": listing,
    "calls": make_calls,
    "rebuild": rebuilt,
    "cuts": cuts,
    "journals": make_journals,
    "keeper": keeper_start,
}

if __name__ == "__main__":
    print(json.dumps(WHAT[sys.argv[1]](*sys.argv[2:])))
