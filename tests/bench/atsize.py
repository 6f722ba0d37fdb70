"""One measurement of a ring or a list at full size, as a program: `python -m tests.bench.atsize WHAT ARGUMENTS`.

It prints one JSON document. What it is measured on is made by the same program beforehand (`ring`, `month`).
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from tinydb import TinyDB
from tinydb.table import Document
from ulid import ULID

from tests.bench import fullring, manycalls
from tests.bench.counted import Counter
from tests.service.fakering import FakeStore
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.store import slottable
from tsuwaroku.store.calllist import quick_public, quick_records
from tsuwaroku.store.cardcache import CardCache
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import DEMO_KEY, Store

NO_RECORD = (0, bytes(32))


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


WHAT: dict[str, Callable[..., object]] = {
    "ring": make_ring,
    "start": start,
    "laps": laps,
    "month": make_month,
    "list": listed,
    "sqlite": sqlite,
    "listing": listing,
}

if __name__ == "__main__":
    print(json.dumps(WHAT[sys.argv[1]](*sys.argv[2:])))
