"""Records as tables and panels for people. Everything here returns something rich can print; nothing prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tsuwaroku.clock import JST, NS, ClockQuality, from_iso, iso
from tsuwaroku.console.texts import t, word
from tsuwaroku.console.translate import translate
from tsuwaroku.records.call import (
    Audio,
    Caller,
    CallRecord,
    Direction,
    InCallDigits,
    Integrity,
    Mark,
    Notice,
    NoticeOutcome,
    Outcome,
    PublicRecord,
)
from tsuwaroku.records.retention import parse_period

if TYPE_CHECKING:
    from tsuwaroku.service.lines import LineSeen
    from tsuwaroku.store.verify import Report

NEWEST = 200  # rows of a list
DEPARTMENT_WIDTH = 96  # columns of a screen: what a row says without it takes 80
NUMBER_WIDTH = 112
_COLOURS = {
    Outcome.ANSWERED: "green",
    Outcome.MISSED: "yellow",
    Outcome.NOT_RECORDED: "bold red",
    Integrity.RECOVERED: "yellow",
    Integrity.DAMAGED: "bold red",
    NoticeOutcome.FAILED: "bold red",
    NoticeOutcome.EXEMPT: "yellow",
}


_DOUBTS = {"?": "unsure", "≈": "dated"}


def plain_table(*columns: str, right: Sequence[str] = (), fold: Sequence[str] = (), tight: bool = False) -> Table:
    """A table without side borders. `fold` names the columns that may be wrapped; `tight` saves a column between."""
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0 if tight else 1, 0, 0), pad_edge=False, header_style="bold"
    )
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", no_wrap=column not in fold, overflow="fold"
        )
    return table


def facts(rows: Sequence[tuple[str, RenderableType]]) -> Table:
    """Names and values, one below the other."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def length(seconds: float) -> str:
    """m:ss, or h:mm:ss from an hour on; rounded to the second."""
    whole = round(seconds)
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def clock_time(iso: str | None) -> str:
    """`2026-11-23 14:03:22` of an ISO 8601 text."""
    return "–" if iso is None else iso[:19].replace("T", " ")


def coloured(kind: str, value: Outcome | Integrity | NoticeOutcome | None) -> Text:
    """The word for a value, in the colour that says whether to look twice."""
    style = _COLOURS.get(value, "") if value is not None else ""
    return Text(word(kind, value), style=style)


def calls(
    records: Sequence[CallRecord | PublicRecord],
    *,
    with_key: bool,
    every: bool = False,
    lines: Mapping[str, LineSeen] | None = None,
    width: int = 0,
) -> RenderableType:
    """The list of calls: with a key everything a row has room for, without one what anybody may know. `lines`: whose
    they are; departments have room from a `width` of DEPARTMENT_WIDTH columns on, the other party's numbers from
    NUMBER_WIDTH.

    The newest ones, unless asked for `every` one: nobody reads 36,000 rows, and drawing them takes a minute.
    """
    if not records:
        return Text(t("calls.none"))
    shown = records if every else records[-NEWEST:]
    known = [record for record in shown if isinstance(record, CallRecord)]
    places = {id: one for id, one in (lines or {}).items() if one.department} if width >= DEPARTMENT_WIDTH else {}
    numbers = width >= NUMBER_WIDTH
    table = _known(known, places, numbers=numbers) if with_key else _public(shown, lines or {}, places)
    foot = t("calls.count", n=f"{len(records):,}")
    if len(shown) < len(records):
        foot = t("calls.newest", n=f"{len(records):,}", shown=NEWEST)
    doubts = {doubt(record) for record in shown}
    notes = [Text(t(f"calls.{name}"), style="yellow") for sign, name in _DOUBTS.items() if sign in doubts]
    return Group(table, *notes, Text(foot if with_key else f"{foot} {t('calls.no_key')}", style="dim"))


def dated(record: CallRecord | PublicRecord) -> str:
    """When a call began, as the box knows it now: ISO 8601, the day alone without the key."""
    if record.clock is not None and record.clock.dated_at is not None:
        return record.clock.dated_at
    return record.seized_at if isinstance(record, CallRecord) else record.date


def doubt(record: CallRecord | PublicRecord) -> str:
    """A sign where the clock of a call was not synchronised: what it came to since is known, or is not."""
    if record.clock is None:
        return ""
    unsure = record.clock.quality != ClockQuality.SYNCHRONISED
    return "≈" if record.clock.dated_at is not None else "?" if unsure else ""


def _known(records: Sequence[CallRecord], places: Mapping[str, LineSeen], *, numbers: bool) -> Table:
    names = ("no", "at", "line", "direction", "length", "outcome", "notice", "marks", "integrity", "kept")
    heads = [t(f"col.{name}") for name in names]
    heads += ([t("col.number")] if numbers else []) + ([t("col.department")] if places else [])
    table = plain_table(*heads, right=(heads[0], heads[4], heads[7]), fold=heads[10:], tight=True)
    for record in records:
        table.add_row(
            f"#{record.sequence}",
            clock_time(dated(record))[5:16] + doubt(record),
            line_name(record),
            word("direction", record.direction),
            length(record.duration_s),
            coloured("outcome", record.outcome),
            coloured("notice", record.notice.outcome),
            mark_count(record),
            coloured("integrity", record.integrity),
            kept_until(record),
            *([other_party(record)] if numbers else []),
            *_place(record, places),
        )
    return table


def other_party(record: CallRecord) -> str:
    """The number the call was with, or why there is none."""
    if record.direction is Direction.OUTBOUND or (record.dialled and not record.caller.number):
        return record.dialled or record.called or ""
    return caller(record.caller)


def _place(record: CallRecord | PublicRecord, places: Mapping[str, LineSeen]) -> list[str]:
    """The department of its line, where there is a column for that."""
    if not places:
        return []
    line = places.get(record.line)
    return ["" if line is None else line.department]


def _public(
    records: Sequence[CallRecord | PublicRecord], lines: Mapping[str, LineSeen], places: Mapping[str, LineSeen]
) -> Table:
    heads = [t(f"col.{name}") for name in ("no", "id", "line", "date", "outcome", "marks", "integrity", "kept")]
    heads += [t("col.department")] if places else []
    table = plain_table(*heads, right=(heads[0], heads[5]), fold=heads[8:])
    for record in records:
        table.add_row(
            f"#{record.sequence}",
            record.id,
            _line_and_extension(record.line, lines[record.line].extension if record.line in lines else ""),
            dated(record)[:10] + doubt(record),
            coloured("outcome", record.outcome),
            mark_count(record),
            coloured("integrity", record.integrity),
            kept_until(record),
            *_place(record, places),
        )
    return table


def period_words(text: str) -> str:
    """A retention ("30 days") in the language of this run."""
    period = parse_period(text)
    return t(f"period.{period.unit.value}", count=period.count)


def line_name(record: CallRecord) -> str:
    """Line and extension, one of them where they are the same."""
    return _line_and_extension(record.line, record.extension)


def _line_and_extension(line: str, extension: str) -> str:
    return line if extension in ("", line) else f"{line}/{extension}"


def mark_count(record: CallRecord | PublicRecord) -> Text:
    """How many marks stand; withdrawn ones do not count."""
    count = record.marks if isinstance(record, PublicRecord) else sum(not mark.withdrawn for mark in record.marks)
    return Text(str(count) if count else "", style="bold magenta")


def kept_until(record: CallRecord | PublicRecord) -> str:
    """Month and day of the last day of keeping; of a hold with a star, and year and month where it ends in another
    year."""
    expires_on, hold = record.retention.expires_on, record.retention.hold
    if hold is None or hold.until <= expires_on:
        return expires_on[5:]
    same_year = hold.until[:4] == expires_on[:4]
    return (hold.until[5:] if same_year else hold.until[2:7].replace("-", "/")) + "*"


def call(record: CallRecord | PublicRecord, *, department: str = "") -> RenderableType:
    """One call, all of it; and whose line it is, where that is known."""
    title = t("show.title", n=record.sequence)
    if isinstance(record, PublicRecord):
        rows: list[tuple[str, RenderableType]] = [
            (t("col.id"), record.id),
            (t("col.line"), f"{record.line}  {department}".strip()),
            (t("col.date"), _date_in_words(record)),
            (t("col.outcome"), coloured("outcome", record.outcome)),
            (t("col.marks"), mark_count(record)),
            (t("col.integrity"), coloured("integrity", record.integrity)),
            (t("col.kept"), _kept_in_words(record)),
            ("", Text(t("calls.no_key"), style="dim")),
        ]
        return Panel(facts(rows), title=title, title_align="left", expand=False)
    return Panel(facts(_all_of(record, department)), title=title, title_align="left", expand=False)


def _all_of(record: CallRecord, department: str) -> list[tuple[str, RenderableType]]:
    rows: list[tuple[str, RenderableType]] = [
        (t("col.id"), record.id),
        (t("col.line"), f"{line_name(record)}  {department}".strip()),
        (t("col.direction"), word("direction", record.direction)),
        (t("col.outcome"), coloured("outcome", record.outcome)),
        (t("show.seized"), _date_in_words(record) + (t("show.by_sound") if record.started_by == "sound" else "")),
    ]
    if record.clock.dated_at is not None:
        rows.append((t("show.recorded_at"), clock_time(record.seized_at)))
    if record.answered_at is not None:
        inferred = t("show.inferred") if record.answer_inferred else ""
        rows.append((t("show.answered"), clock_time(_then(record, record.answered_at)) + inferred))
    how = "" if record.outcome is Outcome.MISSED else f"  {word('ended_by', record.ended_by)}"
    rows.append((t("show.ended"), clock_time(_then(record, record.ended_at)) + how))
    rows.append((t("col.length"), t("show.length", talk=length(record.duration_s), ring=f"{record.ring_s:.1f}")))
    if record.direction.value != "outbound":
        rows.append((t("show.caller"), caller(record.caller)))
    rows += [(t(f"show.{name}"), value) for name in ("called", "dialled") if (value := getattr(record, name))]
    if record.waiting_callers:
        rows.append((t("show.waiting"), ", ".join(caller(one) for one in record.waiting_callers)))
    if record.in_call_digits:
        rows.append((t("show.digits"), "\n".join(_digits(one) for one in record.in_call_digits)))
    rows.append((t("col.notice"), notice(record.notice)))
    rows.append((t("col.marks"), marks(record.marks, _end_s(record), answered=record.answered_at is not None)))
    if record.flashes:
        rows.append((t("show.flashes"), ", ".join(length(at) for at in record.flashes)))
    rows.append((t("show.audio"), audio(record.audio)))
    rows.append((t("show.clock"), word("clock", record.clock.quality)))
    if record.continues:
        rows.append((t("show.continues"), record.continues))
    rows.append((t("col.kept"), _kept_in_words(record)))
    rows.append((t("col.integrity"), coloured("integrity", record.integrity)))
    return rows


def _date_in_words(record: CallRecord | PublicRecord) -> str:
    told = {"": "", "?": t("show.unsure"), "≈": t("show.dated")}[doubt(record)]
    return clock_time(dated(record)) + told


def _then(record: CallRecord, at: str | None) -> str | None:
    """A time of the record, by the date that was found out later: its offset from the beginning is right."""
    if at is None or record.clock.dated_at is None:
        return at
    return iso(from_iso(record.clock.dated_at) + from_iso(at) - from_iso(record.seized_at))


def caller(one: Caller) -> str:
    """A number, or why there is none."""
    number = one.number or word("absence", one.absence)
    return f"{number}  {one.name}" if one.name else number


def _digits(one: InCallDigits) -> str:
    by = t("show.digits_unknown") if one.by is None else word("by", one.by)
    return f"{one.keys}  {length(one.at_s)}  {by}"


def _kept_in_words(record: CallRecord | PublicRecord) -> str:
    hold = record.retention.hold
    words = t("show.kept", day=record.retention.expires_on)
    if hold is None:
        return words
    told = t("show.hold", until=hold.until, reason=hold.reason) if hold.reason else t("hold.until", day=hold.until)
    lapsed = hold.until < datetime.now(JST).date().isoformat()
    if not lapsed and hold.until > record.retention.expires_on:  # one day counts, and is told first
        return "\n".join([t("show.kept", day=hold.until), told, t("show.usual", day=record.retention.expires_on)])
    return "\n".join([words, told, *([t("hold.lapsed")] if lapsed else [])])


def notice(notice: Notice) -> RenderableType:
    """How Article 7 was kept."""
    if notice.outcome is None:
        return t("notice.none")
    parts = [coloured("notice", notice.outcome)]
    if notice.item is not None:
        parts.append(Text(t("notice.item", n=notice.item)))
    if notice.at_s is not None:
        parts.append(Text(t("notice.at", at=f"{notice.at_s:.1f}")))
    if notice.outcome in (NoticeOutcome.ANNOUNCED, NoticeOutcome.BEEPED):
        parts.append(Text(t({True: "notice.heard", False: "notice.unheard", None: "notice.unknown"}[notice.heard])))
    if notice.reason:
        parts.append(Text(word("reason", notice.reason)))
    return Text("  ").join(parts)


def _end_s(record: CallRecord) -> float:
    """Where the call ended, on the scale of its marks' offsets."""
    if record.ended_at is None:
        return inf
    return (from_iso(record.ended_at) - from_iso(record.answered_at or record.seized_at)) / NS


def marks(marks: Sequence[Mark], end_s: float = inf, *, answered: bool = True) -> RenderableType:
    """Each mark with the number that `mark --withdraw` takes; one made after the call's end says no offset."""
    if not marks:
        return "–"
    lines = []
    for number, mark in enumerate(marks, start=1):
        late = mark.at_s is None or mark.at_s > end_s
        at = t("mark.afterwards")
        if mark.at_s is not None and not late:
            at = length(mark.at_s)
            at = t("mark.of_answer", at=at) if answered else t("mark.of_seizure", at=at)
        by = t("mark.button") if mark.by == "button" else mark.by
        line = f"{number}. {at}  {word('mark', mark.kind)}  {by}"
        lines.append(Text(f"{line}  {t('mark.is_withdrawn')}" if mark.withdrawn else line))
    return Text("\n").join(lines)


def audio(audio: Audio) -> RenderableType:
    """Length, gaps and digest of the sound."""
    if not audio.samples:
        return t("audio.none")
    lines = [t("audio.size", length=length(audio.samples / audio.rate), samples=f"{audio.samples:,}", rate=audio.rate)]
    if audio.peak_dbfs is not None:
        lines.append(t("audio.peak", peak=f"{audio.peak_dbfs:.1f}"))
    if audio.speech_ratio is not None and audio.first_speech_s is not None and audio.last_speech_s is not None:
        first, last = length(audio.first_speech_s), length(audio.last_speech_s)
        lines.append(t("audio.speech", share=f"{100 * audio.speech_ratio:.0f}", first=first, last=last))
    for gap in audio.gaps:
        at = length(max(0, gap.first_sample - (audio.first_sample or 0)) / audio.rate)
        lines.append(t("audio.gap", at=at, ms=f"{1000 * gap.samples / audio.rate:.0f}", why=word("gap", gap.reason)))
    if audio.pcm_sha256:
        lines.append(f"SHA-256 {audio.pcm_sha256}")
    return "\n".join(lines)


def undecoded(report: Report) -> int:
    """How many calls the key given did not open; calls going on do not count."""
    return sum(call.samples is None and call.integrity != "open" for call in report.calls)


def verified(report: Report, *, with_key: bool, pinned: bool = False) -> RenderableType:
    """What `verify` found: a sentence, then each thing that is wrong. `pinned`: a fingerprint was given."""
    parts: list[RenderableType] = []
    bad = [found for found in report.calls if found.problems]
    if report.ok:
        parts.append(Text(t("verify.ok", n=len(report.calls)), style="bold green"))
    elif bad:
        parts.append(Text(t("verify.bad", n=len(report.calls), bad=len(bad)), style="bold red"))
    else:
        parts.append(Text(t("verify.bad_store", n=len(report.calls)), style="bold red"))
    for found in bad:
        parts.append(Text(f"#{found.sequence} {found.id}", style="bold"))
        parts += [Text(f"  {translate(problem)}", style="red") for problem in found.problems]
    parts += [Text(translate(problem), style="red") for problem in report.problems]
    parts += [Text(translate(note), style="yellow") for note in report.notes]
    if not with_key:
        parts.append(Text(t("verify.without_key"), style="dim"))
    else:
        parts.append(Text(t("verify.undecoded" if undecoded(report) else "verify.with_key"), style="dim"))
    if report.origin == "unproven" and not pinned:
        parts.append(Text(t("verify.unproven"), style="yellow"))
    return Group(*parts)
