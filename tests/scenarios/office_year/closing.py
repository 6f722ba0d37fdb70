"""The ledgers at the end: what the verb writes, what the test did, and what ring and logs alone still say."""

from __future__ import annotations

import csv
import difflib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.scenarios.office_year.acts import Office
from tests.scenarios.office_year.people import BOX, DAIRI
from tests.scenarios.office_year.spring import DEPUTY_UNTIL

BOOKS = ("devices", "handlers", "requests", "media", "disclosures", "erasures", "audit")
PROCESSES = ("keeper", "recorder")
Ledgers = dict[str, list[list[str]]]


def written(o: Office, folder: str) -> Ledgers:
    """The seven as CSV, by the verb: their rows."""
    (o.box.folder / folder).mkdir()
    found: Ledgers = {}
    for book in BOOKS:
        path = o.box.folder / folder / f"{book}.csv"
        o.box(o.manager, "ledger", book, *o.box.key(o.manager), "--out", path)
        if book == "audit" and o.box.running:
            o.book.did(o.manager.user, "audit read", "..")
        with path.open(encoding="utf-8-sig", newline="") as file:
            found[book] = [[text.removeprefix("'") for text in row] for row in csv.reader(file)][1:]
    return found


def equal(found: Iterable[object], wanted: Iterable[object], what: str) -> None:
    """Raises AssertionError with the rows that are not the same."""
    done, told = ([str(row) for row in rows] for rows in (wanted, found))
    odd = list(difflib.unified_diff(done, told, "done", "told", n=1, lineterm=""))
    assert not odd, "\n".join([what, *odd])


def compare(o: Office, found: Ledgers) -> None:
    """Row by row with what the test did."""
    book = o.book
    assert found["devices"] == [
        [line, f"20{line}", where, "本庁舎", "全通話" if line != "5" else "録音しない", "", "音声", "音声"]
        for line, where in zip("12345", ("市民課", "税務課", "福祉課", "管財課", "相談室"), strict=True)
    ]
    equal(found["handlers"], book.handlers, "handlers")
    equal(found["requests"], book.requests.values(), "requests")
    by_medium = sorted(book.media, key=lambda row: row[0])
    equal(found["media"], by_medium, "media")
    equal(found["disclosures"], book.disclosures.values(), "disclosures")
    entries = {row[0]: row for row in found["audit"]}
    equal([row[:5] for row in found["erasures"]], book.erasures(o.today), "erasures")
    for row in found["erasures"]:
        assert row[5] in ("読み戻して確認", "キャッシュを除いて確認")
        entry = entries[row[6]]
        assert (entry[1][:10], entry[2:4]) == (row[3], ["keeper", "calls erased"])
        assert row[0].removeprefix("#") in json.loads(entry[5])["calls"]


def compare_audit(o: Office, rows: list[list[str]]) -> None:
    """Every entry of people is what the test did, in its order, and every call was closed by the keeper once."""
    assert [row[0] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    people = [row for row in rows if row[2] not in PROCESSES]
    told = [(row[2], row[3], row[4], json.loads(row[5])["verb"] if row[3] == "refused" else "") for row in people]
    # Words are sealed again matter by matter, each in an entry of its own; the test knows of one act.
    together = [row for at, row in enumerate(told) if row[1] != "words sealed again" or row != told[at - 1]]
    equal(together, o.book.audit, "audit")
    closed = [int(n) for row in rows if row[3] == "calls closed" for n in json.loads(row[5])["calls"]]
    assert sorted(closed) == sorted(o.book.calls)
    over = [DAIRI.user] if o.today > DEPUTY_UNTIL else []
    assert [row[4] for row in rows if row[3] == "appointment ended"] == over


def rebuilt(o: Office, before: Ledgers) -> None:
    """All that is derived is thrown away: the same ledgers from what is left, without a keeper and with another one."""
    o.box.stop()
    store = o.box.store
    for folder in ("catalogue", "run"):
        for path in (store / folder).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in ("slots.table", "clock.json", "lease.json"):
        (store / name).unlink(missing_ok=True)
    calls = {call.number for call in o.book.calls.values() if call.goes_on > o.today}
    made = o.box(BOX, "rebuild", "--json").json
    held = {call.id: call.until.isoformat() for call in o.book.calls.values() if call.number in calls and call.until}
    assert (made["calls"], made["held"], made["problems"]) == (len(calls), held, [])
    resting = written(o, "resting")
    _same(resting, before)
    o.box.start()
    o.box.look()
    _same(written(o, "again"), before)
    assert o.opens(o.manager) == calls


def _same(found: Ledgers, before: Ledgers) -> None:
    """The audit log has gone on by the entries since."""
    for book in BOOKS:
        equal(found[book][: len(before[book])], before[book], book)
        assert len(found[book]) == len(before[book]) or book == "audit", book


def closing(o: Office) -> Ledgers:
    """The ledgers, compared, and made again."""
    found = written(o, "ledgers")
    compare(o, found)
    compare_audit(o, found["audit"])
    pdf = Path(o.box.folder / "requests.pdf")
    o.box(o.manager, "ledger", "requests", *o.box.key(o.manager), "--out", pdf)
    assert pdf.read_bytes().startswith(b"%PDF")
    rebuilt(o, found)
    for key in ((), o.box.key(o.manager)):
        o.box(o.manager, "verify", *key)
    return found
