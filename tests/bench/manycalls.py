"""A store with a month of calls in its catalogue, cards sealed as the recorder seals them, and nothing in its ring."""

from __future__ import annotations

import hashlib
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import msgspec
from ulid import ULID

from tsuwaroku.clock import JST
from tsuwaroku.records.call import (
    Audio,
    Caller,
    CallRecord,
    ClockRecord,
    Direction,
    Notice,
    NoticeOutcome,
    Outcome,
    PublicRecord,
    Retention,
    Run,
)
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.keys import PrivateKey, Recipients
from tsuwaroku.store.layout import DEMO_KEY, Store
from tsuwaroku.store.seal import CallKey, seal_card

SLOTS = 4  # of the ring: nothing of these calls is read from it
FIRST_DAY = date(2026, 10, 25)


def record(number: int, day: date) -> CallRecord:
    """Call `number`, seized on `day`: its card."""
    second = number * 37 % 86_400
    at = f"{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000+09:00"
    begun_ms = int((day - date(1970, 1, 1)).total_seconds() * 1000) - 9 * 3_600_000 + second * 1000
    assert JST.utcoffset(None) == timedelta(hours=9)
    call_id = begun_ms.to_bytes(6, "big") + hashlib.sha256(b"%d" % number).digest()[:10]
    name, digest = str(ULID.from_bytes(call_id)), hashlib.sha256(call_id).hexdigest()
    kept = Retention(expires_on=(day + timedelta(days=30)).isoformat())
    return CallRecord(
        id=name,
        sequence=number,
        line=str(number % 8 + 1),
        extension=f"210{number % 8}",
        direction=Direction.INBOUND,
        seized_at=at,
        answered_at=at,
        ended_at=at,
        duration_s=180.0,
        ring_s=3.5,
        outcome=Outcome.ANSWERED,
        caller=Caller(number=f"03{number % 10**8:08}"),
        notice=Notice(outcome=NoticeOutcome.ANNOUNCED, kind="announcement", at_s=2.1, heard=True),
        audio=Audio(
            rate=8000,
            first_sample=0,
            samples=1_440_000,
            pcm_sha256=digest,
            runs=[Run(first_sample=0, samples=1_440_000, pcm_sha256=digest)],
            peak_dbfs=-12.5,
            speech_ratio=0.61,
        ),
        clock=ClockRecord(quality="synchronised", mono_ns=number * 10**9, boot_id=digest[:32]),
        retention=kept,
    )


def entry(number: int, day: date, recipients: Recipients) -> CatalogueEntry:
    """Call `number`, seized on `day`, of 29 slots."""
    key, card = CallKey.random(), record(number, day)
    call_id, digest = ULID.from_str(card.id).bytes, card.audio.pcm_sha256
    return CatalogueEntry(
        public=PublicRecord(
            id=card.id,
            sequence=number,
            line=card.line,
            date=str(day),
            outcome=Outcome.ANSWERED,
            retention=card.retention,
        ),
        slots=[(number * 29 + part) % SLOTS for part in range(29)],
        generations=[3] * 29,
        digest=digest or "",
        card=seal_card(key, call_id, msgspec.json.encode(card)),
        wraps=list(key.wrap_for(recipients, call_id)),
        final=True,
    )


def _day(path: Path, day: date, first: int, count: int) -> None:
    store = Store.open(path)
    entries = [entry(number, day, store.recipients) for number in range(first, first + count)]
    Catalogue(store.catalogue_dir).replace_day(str(day), entries)
    store.close()


def make(path: Path, calls: int, days: int = 30) -> PrivateKey:
    """The store, and the key that opens it."""
    Store.create(path, slots=SLOTS, retention_days=30, demonstration=True).close()
    a_day = calls // days
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(_day, path, FIRST_DAY + timedelta(days=n), 1 + n * a_day, a_day) for n in range(days)]
        for job in jobs:
            job.result()
    return PrivateKey.load(path / DEMO_KEY, lambda: "")
