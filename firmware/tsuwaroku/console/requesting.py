"""`request`: the 通話記録提供請求書 (Article 9) from its submission to the decision, and its papers.

Everything is done by the keeper. The private key is needed here alone: for finding the calls a form can mean, for
reading the words and for making papers.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsuwaroku.clock import JST
from tsuwaroku.console.holding import YesOption, confirmed
from tsuwaroku.console.options import JsonOption, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.session import find_record, load_key, need_key, open_store, session
from tsuwaroku.console.texts import h, t
from tsuwaroku.errors import NotFoundError, RefusedError

if TYPE_CHECKING:
    from tsuwaroku.console.requestclient import RequestClient
    from tsuwaroku.records.call import CallRecord
    from tsuwaroku.records.era import RequestNumber
    from tsuwaroku.records.request import RequestForm
    from tsuwaroku.records.requests import Request
    from tsuwaroku.service.fates import CallFate
    from tsuwaroku.service.requesting import Checked, RequestSeen
    from tsuwaroku.store.audit import AuditEntry
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.layout import Store

NumberArgument = Annotated[str, typer.Argument(metavar="NUMBER", help=h("arg.request"), show_default=False)]
CallsOption = Annotated[list[str] | None, typer.Option("--call", metavar="ID", help=h("opt.calls"), show_default=False)]
ByOption = Annotated[str, typer.Option("--by", metavar="NAME", help=h("opt.by"), show_default=False)]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help=h("opt.request_reason"), show_default=False)
]
YearOption = Annotated[
    str | None, typer.Option("--year", metavar="YEAR", help=h("opt.request_year"), show_default=False)
]

app = typer.Typer(help=h("request"), no_args_is_help=True)


@contextmanager
def asking(ctx: typer.Context, store: Path | None) -> Iterator[RequestClient]:
    """The keeper. Raises ServiceError where none runs."""
    from tsuwaroku.console.requestclient import RequestClient

    with RequestClient(session(ctx).socket(store)) as keeper:
        yield keeper


def number_of(text: str, today: date) -> RequestNumber:
    """Of 令和8年度 第1号, 2026-001, or 8-1: the year 8 of the era it is today. Raises RefusedError."""
    from tsuwaroku.records.era import era_of, parse_number

    plain = unicodedata.normalize("NFKC", text).strip()
    short = re.fullmatch(r"[0-9]{1,2} ?- ?[0-9]{1,6}", plain)
    return parse_number(f"{era_of(today).letter}{plain}" if short else plain, "NUMBER")


def _number(text: str) -> RequestNumber:
    return number_of(text, datetime.now(JST).date())


# -- submitting


@app.command("template", help=h("request.template"))
def template() -> None:
    """The form as a file to fill in."""
    from tsuwaroku.records.request_file import TEMPLATE

    sys.stdout.write(TEMPLATE)


@app.command("new", help=h("request.new"))
def new(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FORM", help=h("opt.form_file"), show_default=False)
    ] = None,
    calls: CallsOption = None,
    by: ByOption = "",
    yes: YesOption = False,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a request in: its form, the calls it can mean, its number."""
    from tsuwaroku.console.lines import known_lines
    from tsuwaroku.console.request_form import asked_for, from_file, meant
    from tsuwaroku.console.requests_shown import show_found
    from tsuwaroku.console.source import source
    from tsuwaroku.records.call import CallRecord
    from tsuwaroku.records.matching import Match
    from tsuwaroku.service.requesting import SubmitRequest

    need_key(key)
    with asking(ctx, store) as keeper:
        now = datetime.fromtimestamp(keeper.clock().at.wall_ns // 1_000_000_000, JST)
        form = from_file(file) if file is not None else asked_for(now)
        every = source(ctx, store).records(load_key(key, passphrase_file))
        records = [one for one in every if isinstance(one, CallRecord)]
        named = [_named(records, text) for text in calls or ()]
        checked = _checked(ctx, store, keeper, form, named)
        found = meant(checked, records, known_lines(ctx, store))
        added = [one for one in records if one.id in named and one not in found[Match.YES]]
        unknown = [one for one in found[Match.UNKNOWN_NUMBER] if one not in added]
        show_found(screen(err=True), found[Match.YES], added, unknown)
        confirmed(yes, t("request.ask"))
        ids = [one.id for one in (*found[Match.YES], *added)]
        asked = SubmitRequest(form=checked, calls=ids, unknown_numbers=len(unknown), name=by)
        done = keeper.submit(asked)
    if as_json:
        emit_json({"slug": done.slug, "number": done.number, "calls": ids, "unknown_numbers": len(unknown)})
        return
    screen().print(t("request.submitted", number=done.number, n=len(ids)), style="bold", soft_wrap=True)


def _named(records: Sequence[CallRecord], text: str) -> str:
    """Its id; what names no call that is there goes to the keeper as it is, which says what became of it."""
    try:
        return find_record(records, text).id
    except NotFoundError:
        return text.strip()


def _checked(
    ctx: typer.Context, store: Path | None, keeper: RequestClient, form: RequestForm, calls: Sequence[str]
) -> RequestForm:
    """The form in its normal form. Raises RefusedError, having said all that is wrong with it."""
    from tsuwaroku.console.request_form import problem_text
    from tsuwaroku.records.request_file import LABELS

    try:
        checked: Checked = keeper.check(form, calls)
    except NotFoundError:
        for text in calls:
            _refuse_erased_number(ctx, store, text)
        raise
    if checked.form is not None:
        return checked.form
    console = screen(err=True)
    for problem in checked.problems:
        console.print(problem_text(problem), style="yellow", markup=False, soft_wrap=True)
    raise RefusedError(
        "the form cannot be taken in as it is (Article 9(1))",
        where="、".join(dict.fromkeys(LABELS[problem.field] for problem in checked.problems)),
        remedy="correct what is named above; nothing was changed",
    )


def _refuse_erased_number(ctx: typer.Context, store: Path | None, text: str) -> None:
    """A number (#12) names an erased call to people; the box knows those by their ids. Raises RefusedError."""
    from tsuwaroku.service.fates import erased_text

    plain = text.removeprefix("#")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", plain):
        return
    gone = (
        _erased_here(open_store(ctx, store), plain) if session(ctx).socket_path is None else _erased_there(ctx, plain)
    )
    if gone is not None:
        raise RefusedError(
            erased_text(*gone),
            where=f"#{plain}",
            remedy="tell whoever asked for it; `tsuwaroku erase-log` is the proof of an erasure",
        )


def _erased_here(opened: Store, number: str) -> tuple[str, str, str] | None:
    """When the call was erased, its last day, and why."""
    from tsuwaroku.service.eraselog import erase_log

    gone = next((one for one in erase_log(opened).calls if one.sequence == int(number)), None)
    return None if gone is None else (gone.erased_on, gone.expires_on, gone.why)


def _erased_there(ctx: typer.Context, number: str) -> tuple[str, str, str] | None:
    """The same from the keeper's log."""
    from tsuwaroku.console.papers import PapersClient

    with PapersClient(session(ctx).socket(None)) as keeper:
        for entry in keeper.erasures(None, None):
            calls = entry.detail.get("calls")
            if isinstance(calls, dict) and number in calls:
                _, last, why = calls[number]
                return entry.at[:10], last, why
    return None


# -- looking


@app.command("list", help=h("request.list"))
def list_requests(
    ctx: typer.Context,
    year: YearOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every request, or those of a fiscal year."""
    from tsuwaroku.console.requests_shown import listing

    private = load_key(key, passphrase_file)
    with asking(ctx, store) as keeper:
        seen = keeper.requests()
    found = _opened(seen.entries, private) if private is not None else seen.requests
    if year is not None:
        fiscal = number_of(f"{year}-1", date.fromisoformat(seen.today)).fiscal_year
        found = [one for one in found if one.slug.startswith(f"{fiscal}-")]
    if as_json:
        emit_json(found)
        return
    screen().print(listing(found))


@app.command("show", help=h("request.show"))
def show(
    ctx: typer.Context,
    number: NumberArgument,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """One request, and what became of its calls."""
    from tsuwaroku.console.requests_shown import shown

    private = load_key(key, passphrase_file)
    with asking(ctx, store) as keeper:
        seen = keeper.request(_number(number).slug)
    request = _with_words(seen, private)
    if as_json:
        emit_json({"request": request, "calls": seen.calls})
        return
    screen().print(shown(request, seen.calls, date.fromisoformat(seen.today)))


def _opened(entries: Sequence[AuditEntry], private: PrivateKey | None) -> list[Request]:
    """The requests of these entries, with the words the key opens. Raises SecretError."""
    from tsuwaroku.records.requests import requests
    from tsuwaroku.store.acts import acts

    return requests(acts(entries, private))


def _with_words(seen: RequestSeen, private: PrivateKey | None) -> Request:
    return seen.request if private is None else _opened(seen.entries, private)[0]


# -- deciding


@app.command("withdraw", help=h("request.withdraw"))
def withdraw(
    ctx: typer.Context, number: NumberArgument, reason: ReasonOption, by: ByOption = "", store: StoreOption = None
) -> None:
    """Withdraw a request that is not decided."""
    from tsuwaroku.service.requesting import ReasonRequest

    with asking(ctx, store) as keeper:
        done = keeper.withdraw(_number(number).slug, ReasonRequest(reason=reason, name=by))
    screen().print(t("request.withdrawn", number=done.number), soft_wrap=True)


@app.command("refuse", help=h("request.refuse"))
def refuse(
    ctx: typer.Context, number: NumberArgument, reason: ReasonOption, by: ByOption = "", store: StoreOption = None
) -> None:
    """Refuse a request."""
    from tsuwaroku.service.requesting import ReasonRequest

    with asking(ctx, store) as keeper:
        done = keeper.refuse(_number(number).slug, ReasonRequest(reason=reason, name=by))
    screen().print(t("request.refused", number=done.number), soft_wrap=True)


@app.command("approve", help=h("request.approve"))
def approve(
    ctx: typer.Context,
    number: NumberArgument,
    calls: CallsOption = None,
    return_by: Annotated[
        str | None, typer.Option("--return-by", metavar="DAY", help=h("opt.return_by"), show_default=False)
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help=h("opt.request_reason"), show_default=False)
    ] = "",
    by: ByOption = "",
    yes: YesOption = False,
    store: StoreOption = None,
) -> None:
    """Approve a request, for all of its calls or for some."""
    from tsuwaroku.console.requests_shown import fates_table
    from tsuwaroku.service.requesting import ApproveRequest

    with asking(ctx, store) as keeper:
        seen = keeper.request(_number(number).slug)
        chosen = None if not calls else [_of_request(seen.calls, text) for text in calls]
        screen(err=True).print(fates_table([one for one in seen.calls if chosen is None or one.id in chosen]))
        confirmed(yes, t("request.approve_ask"))
        asked = ApproveRequest(calls=chosen, return_by=return_by, reason=reason, name=by)
        done = keeper.approve(seen.request.slug, asked)
    n = len(seen.request.calls if chosen is None else chosen)
    screen().print(t("request.approved", number=done.number, n=n), soft_wrap=True)


def _of_request(calls: Sequence[CallFate], text: str) -> str:
    """The id of the request's call that `text` names: its number, or the beginning of its id. Another text goes to the
    keeper as it is: it refuses, and writes down, what the request does not ask for."""
    wanted = text.strip().removeprefix("#").upper()
    hits = [one.id for one in calls if wanted == str(one.sequence) or (len(wanted) > 9 and one.id.startswith(wanted))]
    return hits[0] if len(hits) == 1 else text.strip()


# -- papers


@app.command("paper", help=h("request.paper"))
def paper(
    ctx: typer.Context,
    number: NumberArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help=h("opt.papers_out"), show_default=False)],
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
) -> None:
    """The form, and the decision where there is one, as PDF."""
    from tsuwaroku.console.lines import known_office
    from tsuwaroku.console.papers import write_paper
    from tsuwaroku.console.request_papers import papers
    from tsuwaroku.console.source import source

    need_key(key)
    private = load_key(key, passphrase_file)
    with asking(ctx, store) as keeper:
        seen = keeper.request(_number(number).slug)
    request = _with_words(seen, private)
    if not out.is_dir():
        raise RefusedError("there is no such directory", where=str(out), remedy="make it, or name another with --out")
    records = {one.id: one for one in source(ctx, store).records(private)}
    for name, octets in papers(request, seen, records, private, known_office(ctx, store)):
        write_paper(out / name, octets)
        screen().print(t("request.paper", path=out / name), soft_wrap=True, markup=False)
