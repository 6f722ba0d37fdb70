"""Media as people see them: the list, and the custody sheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer
from rich.text import Text

from tsuwaroku.config import OfficeConfig
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.render import plain_table
from tsuwaroku.console.session import load_key, session
from tsuwaroku.console.texts import t, word
from tsuwaroku.errors import RefusedError, SecretError

if TYPE_CHECKING:
    from tsuwaroku.records.acts import Act
    from tsuwaroku.records.media import Medium
    from tsuwaroku.service.custody import MediumSeen
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.layout import Store


def acts_of(ctx: typer.Context, opened: Store | None, private: PrivateKey) -> list[Act]:
    """Every act with the words this key opens: from the store, or on a PC from its keeper. Raises StoreError,
    ServiceError; SecretError for a key of another box."""
    from tsuwaroku.console.papers import PapersClient
    from tsuwaroku.store.acts import act_entries, acts
    from tsuwaroku.store.audit import AuditLog

    if opened is not None:
        opened.admit(private)
        return acts(act_entries(AuditLog.open(opened)), private)
    with PapersClient(session(ctx).socket(None)) as keeper:
        return acts(keeper.acts(), private)


def show_list(ctx: typer.Context, store: Path | None, key: Path | None, secret: Path | None, as_json: bool) -> None:
    """The list of media, asked of the keeper; with a key, who has them."""
    from tsuwaroku.console.custody_client import box_of, custody
    from tsuwaroku.records.media import media as folded

    opened = box_of(ctx, store)
    private = load_key(key, secret)
    with custody(ctx, store, opened) as keeper:
        seen = keeper.media()
    words = {} if private is None else {one.name: one for one in folded(acts_of(ctx, opened, private))}
    if as_json:
        emit_json([{"since": one.since, "overdue": one.overdue, **_as_json(words, one)} for one in seen])
        return
    console = screen()
    heads = [t(f"col.{name}") for name in ("medium", "state", "request", "recipient", "since", "due", "to")]
    table = plain_table(*heads, fold=(heads[-1],))
    for one in seen:
        medium = one.medium
        style = "bold red" if one.overdue or medium.state == "lost" else ""
        due = "–" if medium.due_on is None else f"{medium.due_on}{t('media.overdue') if one.overdue else ''}"
        to = words[medium.name].to if medium.name in words else None
        cells = (
            medium.name,
            word("medium", medium.state),
            medium.request or "–",
            word("recipient", medium.recipient),
            str(one.since),
            due,
            to or "–",
        )
        table.add_row(*(Text(cell, style=style) for cell in cells))
    console.print(table)
    late, gone = sum(one.overdue for one in seen), sum(one.medium.state == "lost" for one in seen)
    if late:
        console.print(t("media.late", n=late), style="bold red", soft_wrap=True)
    if gone:
        console.print(t("media.incidents", n=gone), style="bold red", soft_wrap=True)


def _as_json(words: dict[str, Medium], one: MediumSeen) -> dict[str, object]:
    said: dict[str, object] = msgspec.to_builtins(words.get(one.medium.name, one.medium))
    return said


def sheet_pdf(one: Medium, acts: list[Act], office: OfficeConfig) -> bytes:
    """The custody sheet. Raises RefusedError for a medium without a copy, SecretError where the words stay sealed."""
    from tsuwaroku.disclosure.form import WAYS, CustodySheet, custody_pdf, post_of
    from tsuwaroku.records.era import parse_number
    from tsuwaroku.records.media import How
    from tsuwaroku.records.requests import CopyFor, requests

    request = next((each for each in requests(acts) if each.slug == one.request), None)
    if request is None or one.made_on is None:
        raise RefusedError(
            "there is no copy on this medium, so there is no sheet of it", where=one.name, remedy="export onto it first"
        )
    if request.form is None:
        raise SecretError(
            "this key does not open the request", where=one.request, remedy="use the manager's key, or the recovery key"
        )
    how = {How.CRUSHED: WAYS[0], How.CUT: WAYS[1], How.OTHER: one.how_text or "", None: ""}
    filled = CustodySheet(
        number=parse_number(one.request),
        holder=office.personnel if one.recipient is CopyFor.PERSONNEL else post_of(str(request.form["department"])),
        label=one.name,
        serial=str(one.identity["serial"]),
        capacity=size_text(one.identity["capacity_octets"]),
        calls=len(request.calls),
        made_on=one.made_on,
        return_by=one.due_on,
        handed_on=one.handed_on,
        handed_by=one.handed_by or "",
        received_by=one.to or "",
        returned_on=one.returned_on,
        returned_by=one.by or "",
        taken_by=one.taken_by or "",
        wiped_on=one.wiped_on,
        wiped_how=_wiped_how(one),
        destroyed_on=one.destroyed_on,
        destroyed_how=how[one.how],
        destroyed_by=one.destroyed_by or "",
        witnessed_by=one.witness or "",
        incident=one.incident or "",
    )
    return custody_pdf(filled, office)


def _wiped_how(one: Medium) -> str:
    """Papers are Japanese, whatever the terminal is."""
    if one.wiped_on is None:
        return ""
    if one.wiped_clean:
        return f"全領域を{one.passes}回上書きし、読み戻して確認"
    return f"消去不能（{one.wipe_note or '理由は封印'}）"


def size_text(octets: int) -> str:
    """As makers count: GB are 10⁹ octets."""
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if octets >= size:
            return f"{octets / size:.3g} {unit}"
    return f"{octets} B"
