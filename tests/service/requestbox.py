"""A keeper over a store with real calls in it, on a day of the test's choice, asked by people of any role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from ulid import ULID

from tests.disclosure.papers import FORM
from tests.store.reading import START_NS, Box, at, ident
from tsuwaroku.clock import NS, Instant, from_iso
from tsuwaroku.config import Config, LineConfig, ServiceConfig
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.requests import CopyFor
from tsuwaroku.records.roles import Role
from tsuwaroku.service import copying, queueing, requesting
from tsuwaroku.service.api import Asked
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.copying import RecopyRequest
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.queueing import PassRequest
from tsuwaroku.service.requesting import ApproveRequest, CheckRequest, ReasonRequest, SubmitRequest
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.layout import Store

HANA = Asker(user="hana", roles=frozenset({Role.HANDLER}))
KANRI = Asker(user="kanri", roles=frozenset({Role.MANAGER}))
DAIRI = Asker(user="dairi", roles=frozenset({Role.DEPUTY}))
LIMITED = Asker(user="jiro", roles=frozenset({Role.HANDLER}), lines=frozenset({"2"}))
ENDED, LAST = date(2026, 11, 23), date(2026, 12, 23)


def call_id(number: int) -> str:
    return str(ULID.from_bytes(ident(number)))


class Moving:
    """A clock in one boot, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 3600.0

    def now(self) -> Instant:
        return at(self.seconds)

    def at(self, mono_ns: int) -> Instant:
        return at(mono_ns / NS)

    def to(self, moment: str) -> None:
        self.seconds = (from_iso(moment) - START_NS) / NS


def three_calls(box: Box) -> None:
    """On line 1: number 2 was marked with the button."""
    for number in (1, 2, 3):
        box.call(number, 2.0, 1, marks=int(number == 2))


class RequestBox:
    """Three calls of 2026-11-23, or what `fill` does."""

    def __init__(
        self,
        path: Path,
        *,
        extensions: dict[str, tuple[str, ...]] | None = None,
        fill: Callable[[Box], None] = three_calls,
        slots: int = 12,
    ) -> None:
        self.path = path
        box = Box(path, slots=slots)
        fill(box)
        box.audit.close()
        box.store.close()
        self.settings = Config(
            line=(LineConfig(id="1", extension="201", department="市民課"), LineConfig(id="2")),
            service=ServiceConfig(extensions=extensions or {}),
        )
        self.clock = Moving()
        self.start()

    def start(self) -> None:
        self.store = Store.open(self.path, need_device=True)
        self.keeper = Keeper(self.store, self.settings, self.clock)
        self.keeper.between = lambda: None
        self.keeper.start()

    def restart(self) -> None:
        self.end()
        self.start()

    def end(self) -> None:
        self.keeper.close()
        self.store.close()

    def poll_at(self, moment: str, times: int = 3) -> None:
        self.clock.to(moment)
        for _ in range(times):
            self.clock.seconds += 2
            self.keeper.poll()

    def alarms(self) -> dict[str, str]:
        return {alarm.code: alarm.detail for alarm in self.keeper.status().alarms}

    def refusals(self) -> list[tuple[str, str, str]]:
        """Actor, verb and why of each."""
        entries = [entry for entry in self.entries() if entry.verb == "refused"]
        return [(entry.actor, entry.detail["verb"], entry.detail["why"]) for entry in entries]

    def entries(self) -> list[AuditEntry]:
        return list(AuditLog.open(self.store).entries())

    # -- what people ask

    def check(self, form: Any = FORM, calls: list[str] | None = None, by: Asker = HANA) -> requesting.Checked:
        return requesting.check(self.keeper, _asked(by, body=CheckRequest(form=form, calls=calls or [])))

    def submit(self, *numbers: int, by: Asker = HANA, form: Any = FORM, **more: Any) -> str:
        calls = more.pop("calls", [call_id(number) for number in numbers])
        asked = _asked(by, body=SubmitRequest(form=form, calls=calls, **more))
        return requesting.submit(self.keeper, asked).slug

    def approve(self, slug: str, by: Asker = KANRI, **more: Any) -> str:
        return requesting.approve(self.keeper, _asked(by, slug, ApproveRequest(**more))).slug

    def refuse(self, slug: str, by: Asker = KANRI, reason: str = "該当なし") -> str:
        return requesting.refuse(self.keeper, _asked(by, slug, ReasonRequest(reason=reason))).slug

    def withdraw(self, slug: str, by: Asker = HANA, reason: str = "不要になった") -> str:
        return requesting.withdraw(self.keeper, _asked(by, slug, ReasonRequest(reason=reason))).slug

    def recopy(self, slug: str, by: Asker = KANRI, reason: str = "破損") -> object:
        body = RecopyRequest(request=slug, recipient=CopyFor.HEAD, reason=reason)
        (route,) = [one for one in copying.ROUTES if one.path == "/v1/recopies"]
        return route.act(self.keeper, _asked(by, body=body))

    def copied(self, slug: str) -> None:
        """The copies that were approved."""
        for recipient in CopyFor:
            detail: dict[str, object] = {"recipient": recipient.value, "medium": f"M-{recipient}", "octets": 5}
            self.keeper.ledger.add("kanri", ActVerb.COPY_MADE, slug, detail=detail, words={})

    def show(self, slug: str, by: Asker = KANRI) -> requesting.RequestSeen:
        return requesting.show(self.keeper, _asked(by, slug))

    def listed(self, by: Asker = KANRI) -> list[str]:
        return [one.slug for one in requesting.listed(self.keeper, _asked(by)).requests]

    def let_lapse(self, *numbers: int, by: Asker = KANRI, reason: str = "用件は済んだ") -> list[str]:
        asked = _asked(by, body=PassRequest(calls=[call_id(number) for number in numbers], reason=reason))
        return queueing.let_lapse(self.keeper, asked).calls

    def queue(self, by: Asker = KANRI) -> list[tuple[int, str, int]]:
        """Number, state and days left."""
        found = queueing.show(self.keeper, _asked(by)).calls
        return [(one.sequence, one.state.value, one.left) for one in found]

    def hold(self, number: int, until: str | None) -> None:
        self.keeper.hold(HoldRequest(calls=[call_id(number)], until=until, reason="訴訟"), "kanri")


def _asked(by: Asker, slug: str = "", body: Any = None) -> Asked:
    return Asked(by=by, path={"slug": slug}, query=None, body=body)
