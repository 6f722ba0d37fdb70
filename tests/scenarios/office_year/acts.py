"""What people of the office do, each thing by its verb, and at once written into the test's own book."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

from tests.scenarios.office_year.book import Book, Call, numbered, wareki
from tests.scenarios.office_year.box import Box, Ran
from tests.scenarios.office_year.opened import make_key
from tests.scenarios.office_year.people import KANRI, Person
from tsuwaroku.clock import NS
from tsuwaroku.console import cli

RECIPIENTS = {"head": "所属長", "personnel": "人事課長"}
REFUSED, NOT_FOUND, FORBIDDEN, MEDIUM = 13, 11, 15, 14
"""Exit codes of RefusedError, NotFoundError, ForbiddenError, MediumError."""


@dataclass(frozen=True)
class Talk:
    """A call that comes in. `number`: the caller's, "" for one that is withheld; `press`: the button."""

    line: str
    number: str = "0312345678"
    press: bool = False
    talk_s: float = 3.0

    def script(self, at_s: float) -> str:
        caller = f'number = "{self.number}"' if self.number else 'absence = "withheld"'
        return "\n".join(
            [
                "[[call]]",
                f'line = "{self.line}"',
                f"at = {at_s}",
                'direction = "inbound"',
                f'caller_id = {{ standard = "jclip", {caller} }}',
                "rings = 1",
                f"talk = {self.talk_s}",
                *(["press = [1.0]"] if self.press else []),
                "",
            ]
        )


class Media(Protocol):
    """The sticks of the scenario, and the hands that plug and pull them; one is plugged in at a time."""

    capacity: int

    def new(self, name: str) -> None:
        """Out of its package, into the port."""

    def pull(self) -> None: ...
    def plug(self, name: str) -> None: ...
    def pulled_in_an_export(self) -> None:
        """What is plugged in is pulled once an export has begun to write."""

    def serial(self, name: str) -> str: ...
    def files(self, name: str, into: Path) -> Path:
        """What a PC finds on it."""

    def blank(self, name: str) -> bool:
        """Whether nothing but zeros is on it."""

    def close(self) -> None: ...


class Office:
    """`box`, `book`, and the verbs between them. Every method takes who does it first."""

    def __init__(self, box: Box, media: Media) -> None:
        self.box, self.media, self.book = box, media, Book()
        self.manager = KANRI
        self.asked: dict[str, list[str]] = {}
        """Request -> ids of its calls, those approved once it is."""
        self.export_s: dict[str, float] = {}
        """Medium -> how long the export onto it took that counts."""

    @property
    def today(self) -> date:
        return self.box.today

    # -- looking

    def alarms(self) -> dict[str, str]:
        """Code and detail of each that stands."""
        found = self.box(self.manager, "status", "--json").json["alarms"]
        return {alarm["code"]: alarm["detail"] for alarm in found if alarm["code"] != "recorder_away"}

    def queue(self, who: Person | None = None) -> dict[int, tuple[str, int]]:
        """State and days left of each marked call, by number."""
        found = self.box(who or self.manager, "queue", "--json").json
        return {one["sequence"]: (one["state"], one["left"]) for one in found}

    def opens(self, who: Person) -> set[int]:
        """The calls that her key opens."""
        found = self.box(who, "calls", *self.box.key(who), "--json").json
        return {one["sequence"] for one in found if "caller" in one}

    def opens_apart(self, who: Person) -> set[int]:
        """The same of a copy of the disk, away from the box and its keeper: nothing but the key counts there."""
        copy = self.box.folder / f"disk-{who.account}-{self.today}"
        shutil.copytree(self.box.store, copy, ignore=shutil.ignore_patterns("run", "keeper.lock", "recorder.lock"))
        found = self.box(who, "calls", "--store", copy, *self.box.key(who), "--json").json
        shutil.rmtree(copy)
        return {one["sequence"] for one in found if "caller" in one}

    # -- staff and notice

    def appoint(
        self,
        by: Person,
        who: Person,
        name: str,
        *,
        title: str = "",
        lines: str = "",
        until: date | None = None,
        deputy: bool = False,
        key: bool = True,
    ) -> None:
        more: list[object] = ["--deputy"] if deputy else []
        more += ["--until", until.isoformat()] if until else []
        more += ["--lines", lines] if lines else []
        if key:
            if not self.box.key_of(who).exists():
                assert cli.run(make_key(self.box, who.account)) == 0
            more += ["--key-file", self.box.key_of(who)]
        self.box(by, "appoint", name, "--user", who.user, "--title", title, *more)
        self.book.did(by.user, "appointed", who.user)
        post = "管理責任者の代理" if deputy else "管理取扱者"
        row = [post, f"{title} {name}".strip(), who.user, lines.replace(",", "、") or "全回線", wareki(self.today)]
        self.book.handlers.append([*row, wareki(until) if until else "", ""])

    def dismiss(self, by: Person, who: Person, reason: str) -> None:
        self.box(by, "dismiss", "--user", who.user, "--reason", reason)
        for row in self.book.handlers:
            if row[2] == who.user and not row[6]:
                row[6] = wareki(self.today)
                self.book.did(by.user, "dismissed", who.user)

    def publish(self, by: Person) -> None:
        page = self.box.folder / f"notice-{self.today}.html"
        self.box(by, "publish", "--out", page)
        assert "青葉市" in page.read_text()
        assert "相談室" not in page.read_text()
        posted = ("--posted-on", self.today.isoformat(), "--url", "https://www.city.example.jp/rokuon")
        self.box(by, "publish", "--approve", *posted, "--name", "管財課長")
        self.book.did(by.user, "notice published")

    def succeed(self, who: Person, name: str, decree: str, opened_with: tuple[object, ...]) -> None:
        """The April change: the new manager's own act."""
        assert cli.run(make_key(self.box, who.account, "--manager", "--name", name)) == 0
        new = ("--new-key", self.box.key_of(who), "--name", name, "--decree", decree)
        self.box(who, "keys", "succeed", *new, *opened_with)
        self.book.did(who.user, "manager succeeded", self.key_id(who))
        row = ["管理責任者の交代", name, self.key_id(who), "全回線", wareki(self.today), "", ""]
        self.book.handlers.append(row)
        self.manager = who

        self._wrapped(who, who, set())
        self.book.did(who.user, "words sealed again", self.key_id(who))

    def rewrap(self, by: Person, who: Person) -> None:
        """Earlier calls for a new handler."""
        own = self.opens(who)
        self.box(by, "keys", "rewrap", "--for", who.user, *self.box.key(by))
        self._wrapped(by, who, own)

    def _wrapped(self, by: Person, who: Person, own: set[int]) -> None:
        """An entry for each day of calls that are there and were not hers."""
        there = [call for call in self.book.calls.values() if call.goes_on > self.today]
        for _ in {call.day for call in there if call.number not in own}:
            self.book.did(by.user, "calls wrapped again", self.key_id(who))

    def key_id(self, who: Person) -> str:
        """As her public side says."""
        return str(json.loads(self.box.key_of(who).with_name(f"{who.account}.key.pub").read_text())["id"])

    # -- calls

    def calls(self, moment: str, *talks: Talk, power_cut_s: float = 0.0) -> list[int]:
        """They come in at that moment, one second after the other, and their numbers. `power_cut_s`: the keeper is dead
        by then, after the calls the power goes for so long, and the keeper hears of them when the machine is up."""
        self.box.go(moment)
        script = "\n".join(talk.script(1.0 + at) for at, talk in enumerate(talks))
        lines = {talk.line for talk in talks}
        assert len(lines) == len(talks)
        if power_cut_s:
            self.box.kill()
        self.box.record(script)
        if power_cut_s:
            self.box.clock.boots(round(power_cut_s * NS))
            self.box.start()
            self.box.look()
        # By number and line alone, as a list without a key has them.
        found = self.box(self.manager, "calls", "--json").json
        new = [one for one in found if one["sequence"] not in self.book.calls]
        assert {one["line"] for one in new} == lines
        for one in new:
            self.book.calls[one["sequence"]] = Call(one["sequence"], one["id"], one["line"], self.today)
        by_line = {one["line"]: one["sequence"] for one in new}
        return [by_line[talk.line] for talk in talks]

    def id(self, number: int) -> str:
        return self.book.calls[number].id

    def mark(self, by: Person, number: int, withdraw: int | None = None) -> None:
        self.box(by, "mark", f"#{number}", *(() if withdraw is None else ("--withdraw", withdraw)))
        self.book.did(by.user, "mark" if withdraw is None else "mark withdrawn", self.id(number))

    def hold(self, by: Person, number: int, until: date) -> None:
        reason = ("--reason", "不当要求への対応のため")
        self.box(by, "hold", f"#{number}", *reason, "--until", until.isoformat(), "--yes")
        self.book.did(by.user, "hold", self.id(number))
        self.book.calls[number].until = until

    def release(self, by: Person, number: int) -> None:
        self.box(by, "release-hold", f"#{number}", "--reason", "用件が済んだため", "--yes")
        self.book.did(by.user, "hold released", self.id(number))
        call = self.book.calls[number]
        call.until, call.released_on = None, self.today
        self.box.look()

    def let_lapse(self, by: Person, number: int) -> None:
        self.box(by, "queue", "pass", f"#{number}", "--reason", "通常の問合せだったため")
        self.book.did(by.user, "mark passed", self.id(number))

    def play(self, by: Person, number: int) -> None:
        self.box(by, "play", f"#{number}", *self.box.key(by), "--purpose", "fairness", "--output", "null")
        self.book.did(by.user, "play", self.id(number))
        self.book.did(by.user, "heard", self.id(number))

    # -- requests

    def form(self, **answers: object) -> Path:
        """A form as the clerk fills it in; `answers` go before what is usual."""
        told: dict[str, object] = {
            "department": "市民課",
            "head": "五所 一郎",
            "content": "窓口の案内について",
            "reasons": ["公正"],
            "far_number": "03-1234-5678",
            "far_name": "不明（名乗らなかったため）",
            "near_number": "内線201",
            "near_person": "市民課 青森 花子",
        } | answers
        path = self.box.folder / "form.toml"
        path.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in told.items()))
        return path

    def request(self, by: Person, day: date, *, found: int, unknown: int = 0, **answers: object) -> str:
        """A request for the calls of a day, by a form in a file. `found`: how many it means; its slug."""
        span = {"begin": f"{wareki(day)} 9時0分", "end": f"{wareki(day)} 17時0分"}
        form = self.form(**span | answers)
        ran = self.box(by, "request", "new", "--file", form, *self.box.key(by), "--by", by.account, "--yes", "--json")
        told = ran.json
        slug: str = told["slug"]
        assert (len(told["calls"]), told["unknown_numbers"]) == (found, unknown), told
        assert told["number"] == numbered(slug)
        self.asked[slug] = told["calls"]
        self.book.did(by.user, "request submitted", slug)
        head = f"{answers.get('department', '市民課')} {answers.get('head', '五所 一郎')}"
        row = [numbered(slug), wareki(self.today), head, by.user, f"{found}件", "受付", "", "", "", "", ""]
        self.book.requests[slug] = row
        return slug

    def refused_request(self, by: Person, day: date, asked: str, *, code: int = REFUSED, **answers: object) -> Ran:
        """One that is not taken; `asked`: the subject of the trace."""
        span: dict[str, object] = {"begin": f"{wareki(day)} 9時0分", "end": f"{wareki(day)} 17時0分"}
        named = answers.pop("named", ())
        assert isinstance(named, tuple)
        form = self.form(**span | answers)
        ran = self.box(by, "request", "new", "--file", form, *named, *self.box.key(by), "--yes", code=code)
        self.book.refused(by.user, "request.new", asked)
        return ran

    def _decide(self, by: Person, verb: str, slug: str, told: str, reason: str, *more: object) -> None:
        self.box(by, "request", verb, numbered(slug), "--reason", reason, "--by", "管財課長", *more)
        past = {"approve": "approved", "refuse": "refused", "withdraw": "withdrawn"}[verb]
        self.book.did(by.user, f"request {past}", slug)
        self.book.requests[slug][5:9] = [told, wareki(self.today), by.user, reason]

    def approve(self, by: Person, slug: str, *, return_by: date | None = None, only: tuple[int, ...] = ()) -> None:
        more: list[object] = ["--yes"]
        if return_by is not None:
            more += ["--return-by", wareki(return_by)]
            self.book.requests[slug][9] = wareki(return_by)
        if only:
            more += [part for number in only for part in ("--call", f"#{number}")]
            self.book.requests[slug][4] = f"{len(only)}件"
            self.asked[slug] = [self.id(number) for number in only]
        self._decide(by, "approve", slug, "承認", "対象の通話が特定されているため", *more)

    def refuse(self, by: Person, slug: str, reason: str) -> None:
        self._decide(by, "refuse", slug, "不承認", reason)

    def withdraw(self, by: Person, slug: str) -> None:
        self._decide(by, "withdraw", slug, "取下げ", "不要になったため")

    # -- media and copies

    def register(self, by: Person, name: str, *more: object) -> None:
        """A new stick, out of its package."""
        self.media.new(name)
        self.box(by, "media", "register", "--label", name, "--yes", *more)
        self.book.did(by.user, "medium registered", name)
        said = f"製造番号：{self.media.serial(name)}、容量：{self.media.capacity:,} バイト"
        self.book.medium(name, self.today, "登録", by.user, said)

    def export(self, by: Person, slug: str, who: str, name: str, *, fails: bool = False) -> Ran:
        """Onto the medium that is plugged in."""
        secret = ("--medium-passphrase-file", self.box.medium_secret)
        more = (*self.box.key(by), *secret)
        began_s = time.monotonic()
        ran = self.box(by, "export", numbered(slug), "--for", who, *more, code=MEDIUM if fails else 0)
        self.export_s[name] = time.monotonic() - began_s
        self.book.copies[name] = slug, RECIPIENTS[who]
        self.book.did(by.user, "copy begun", slug)
        for call in self.asked[slug]:
            self.book.did(by.user, "call read", call)
        self.book.did(by.user, "copy failed" if fails else "copy made", slug)
        for kind in ("複製開始", "複製失敗" if fails else "複製"):
            self.book.medium(name, self.today, kind, by.user)
        if not fails:
            row = self.book.requests[slug]
            row[10] = "、".join(filter(None, (row[10], f"{RECIPIENTS[who]}：{name}")))
        return ran

    def copied(self, by: Person, slug: str, who: str, name: str) -> None:
        """A new stick, and the copy on it."""
        self.register(by, name)
        self.export(by, slug, who, name)

    def recopy(self, by: Person, slug: str, who: str) -> None:
        self.box(by, "request", "recopy", numbered(slug), "--for", who, "--reason", "媒体の紛失のため")
        self.book.did(by.user, "recopy approved", slug)

    def hand_over(self, by: Person, name: str, to: str, due: date) -> None:
        self.box(by, "media", "hand-over", name, "--to", to, "--by", by.account)
        self.book.did(by.user, "medium handed over", name)
        self.book.medium(name, self.today, "交付", by.user, f"交付者：{by.account}、受領者：{to}", due)

    def take_back(self, by: Person, name: str, returned_by: str, days_ago: int = 0) -> None:
        on = self.today - timedelta(days_ago)
        self.box(by, "media", "return", name, "--by", returned_by, "--on", wareki(on))
        self.book.did(by.user, "medium returned", name)
        self.book.medium(name, on, "返却", by.user, f"返却者：{returned_by}")

    def wipe(self, by: Person, name: str) -> None:
        """All of it, by the device; then nothing of the copy is there."""
        self.media.plug(name)
        self.box(by, "media", "wipe", name, "--yes")
        self.book.did(by.user, "medium wiped", name)
        self.book.medium(name, self.today, "消去", by.user)
        assert self.media.blank(name)

    def destroy(self, by: Person, name: str, how: str = "破砕") -> None:
        people = ("--by", "黒石 次郎", "--witness", "平川 三郎")
        self.box(by, "media", "destroy", name, "--how", how, *people)
        self.book.did(by.user, "medium destroyed", name)
        if how in ("破砕", "裁断"):
            said = f"方法：{how}、実施者：黒石 次郎、立会人：平川 三郎"
        else:
            said = f"実施者：黒石 次郎、方法：{how}、立会人：平川 三郎"
        self.book.medium(name, self.today, "廃棄", by.user, said)

    def lose(self, by: Person, name: str, what: str) -> None:
        self.box(by, "media", "lost", name, "--what", what)
        self.book.did(by.user, "medium lost", name)
        self.book.medium(name, self.today, "紛失", by.user, f"事故の内容：{what}")

    def medium(self, name: str) -> dict[str, Any]:
        """What the list of media says of one."""
        found = self.box(self.manager, "media", "--json").json
        return next(one for one in found if one["name"] == name)

    # -- disclosure

    def disclose(self, by: Person, case: str, number: int, said: dict[str, str], approve_by: date | None = None) -> str:
        """Opened; its slug."""
        given = [part for name, text in said.items() for part in (f"--{name}", text)]
        given += [] if approve_by is None else ["--approve-by", wareki(approve_by)]
        call = ("--call", self.id(number))
        slug: str = self.box(by, "disclose", "new", "--case", case, *call, *given, "--json").json["disclosure"]["slug"]
        self.book.did(by.user, "disclosure opened", slug)
        cases = {
            "law": "第10条第1号（法令等）",
            "emergency": "第10条第2号（緊急）",
            "investigation": "第10条第3号（捜査機関）",
            "own_data": "本人の開示請求",
        }
        way = f"複製（{said['copy-basis']}）" if said.get("way") == "copy" else "閲覧（聴取）"
        basis = "\n".join(filter(None, (said.get("basis", ""), said.get("reference", ""))))
        row = [slug, wareki(self.today), cases[case], basis, said["recipient"], said["purpose"], "1件", way]
        self.book.disclosures[slug] = [*row, "未決定", "", "", ""]
        return slug

    def decide(self, by: Person, slug: str, *, approved: bool, decision: str = "", reason: str = "") -> None:
        told = ("--approve", "--decision", decision) if approved else ("--refuse", "--reason", reason)
        self.box(by, "disclose", "decide", slug, *told, "--decided-by", "青葉市長")
        self.book.did(by.user, "disclosure decided", slug)
        row = self.book.disclosures[slug]
        after = "（事後）" if row[10] and approved else ""
        row[8] = f"{'承認' if approved else '不承認'}{after}\n{wareki(self.today)}"
        row[9] = "\n".join(filter(None, ("青葉市長", decision)))

    def disclosed(self, by: Person, slug: str, to: str, *, medium: str = "") -> None:
        way = ("--way", "copy", "--medium", medium) if medium else ()
        self.box(by, "disclose", "done", slug, "--to", to, *way)
        self.book.did(by.user, "disclosure carried out", slug)
        row = self.book.disclosures[slug]
        row[10], row[11] = wareki(self.today), "\n".join(filter(None, (to, medium)))


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return f'"{value}"'
