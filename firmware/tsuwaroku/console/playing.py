"""`play`: hear a call on a sound device. No verb copies one (Article 8(3)), so nothing here writes a file.

What is stored stays as captured (Article 8(2)); levelling happens here, on the way to the loudspeaker.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer
from rich.progress import BarColumn, Progress, TextColumn

from tsuwaroku.clock import JST, NS, SystemClock, from_iso
from tsuwaroku.console.options import CallArgument, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import screen
from tsuwaroku.console.reading import listed
from tsuwaroku.console.render import length
from tsuwaroku.console.session import (
    find_record,
    load_key,
    need_key,
    open_store,
    person,
    session,
    stored_call,
)
from tsuwaroku.console.stead import keeper_runs, keepers_books
from tsuwaroku.console.texts import h, t, word
from tsuwaroku.console.translate import translate
from tsuwaroku.errors import BoardError, DamageError, NotFoundError, RefusedError, SecretError
from tsuwaroku.records.call import CallRecord

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store
    from tsuwaroku.store.scan import StoredCall

PurposeOption = Annotated[
    str | None, typer.Option("--purpose", metavar="TEXT", help=h("opt.purpose"), show_default=False)
]
OutputOption = Annotated[str, typer.Option("--output", metavar="DEVICE", help=h("opt.output"))]
PURPOSES = {"courtesy": "職員の接遇意識の向上", "fairness": "業務の公正かつ適正な執行"}
"""Article 1 and the check boxes of 別記様式; anything else is その他 and must be said in words."""
BLOCK_MS = 100
LONGEST_PAUSE_S = 1.0


class Output(Protocol):
    """Where sound goes."""

    def write(self, pcm: bytes) -> None: ...
    def close(self) -> None: ...


class NullOutput:
    """Nowhere, as fast as it can: a rehearsal, and the tests."""

    def write(self, pcm: bytes) -> None:
        """Forget it."""

    def close(self) -> None:
        """Nothing to do."""


class AlsaOutput:
    """An ALSA device. Raises BoardError."""

    def __init__(self, device: str, rate: int) -> None:
        import alsaaudio

        try:
            self._pcm = alsaaudio.PCM(
                type=alsaaudio.PCM_PLAYBACK,
                device=device,
                channels=1,
                rate=rate,
                format=alsaaudio.PCM_FORMAT_S16_LE,
                periodsize=rate * BLOCK_MS // 1000,
            )
        except alsaaudio.ALSAAudioError as error:
            raise BoardError(
                f"the sound device does not open ({error})",
                where=device,
                remedy="connect a loudspeaker or headphones, or name another device of `aplay -L` with --output NAME",
            ) from error

    def write(self, pcm: bytes) -> None:
        self._pcm.write(pcm)

    def close(self) -> None:
        self._pcm.close()


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("play", help=h("play"))(play)


def play(
    ctx: typer.Context,
    call: CallArgument,
    store: StoreOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    purpose: PurposeOption = None,
    output: OutputOption = "default",
) -> None:
    """Play a call on a sound device, after its purpose is in the audit log."""
    from tsuwaroku.store.amendments import read_amendments
    from tsuwaroku.store.reader import CallReader
    from tsuwaroku.store.whole import problems_of

    need_key(key)
    opened = open_store(ctx, store)
    private = load_key(key, passphrase_file)
    assert private is not None
    record = find_record(listed(opened, private), call)
    hold = record.retention.hold
    held_until = hold.until if hold is not None else ""
    if not isinstance(record, CallRecord) or not record.audio.samples:
        refuse_expired(record.retention.expires_on, record.id, held_until=held_until)
    if not isinstance(record, CallRecord):
        raise SecretError("this key does not open the call", where=record.id, remedy="use a key the call was sealed to")
    if not record.audio.samples:
        raise NotFoundError("this call has no sound", where=record.id, remedy="`tsuwaroku show` says why")
    stored, entry = stored_call(opened, record.id)
    refuse_unreadable(opened, stored, held_until)
    why = asked_purpose(purpose)
    amendments = read_amendments(opened)
    reader = CallReader(stored, opened, private, entry.wraps if entry is not None else (), amendments)
    problems = problems_of(stored, amendments.get(stored.call_id, ()), entry)
    sink: Output = NullOutput() if output == "null" else AlsaOutput(output, record.audio.rate)
    try:
        note(ctx, store, opened, record.id, why)
        _sound(record, reader.pieces(), sink, problems)
    finally:
        sink.close()
    problems += reader.checked().problems if not stored.open_now else []
    if problems:
        raise DamageError(t("play.not_whole", why=shown(problems)), where=record.id, remedy=t("play.not_whole_remedy"))
    screen(err=True).print(t("play.done"))


def shown(problems: list[str]) -> str:
    """What is wrong with a call, in the language of this run."""
    return " / ".join(translate(problem) for problem in problems)


def refuse_unreadable(store: Store, stored: StoredCall, held_until: str) -> None:
    """The same by the judge of the clock: from the end the ring has, by the later of the box's date and the clock's.

    Raises RefusedError.
    """
    from tsuwaroku.service.reading import may_read

    verdict = may_read(store, stored, held_until, SystemClock().now())
    if verdict is not None and not verdict.yes:
        last = verdict.last_day.isoformat()
        refuse_expired(last, stored.id, today=date.max.isoformat())


def refuse_expired(expires_on: str, call_id: str, *, held_until: str = "", today: str | None = None) -> None:
    """Raises RefusedError from the day after `expires_on`, or after a hold's last day, on (ISO, Asia/Tokyo), erased or
    not."""
    last = max(expires_on, held_until)
    if (today or datetime.now(JST).date().isoformat()) > last:
        raise RefusedError(
            f"this call was kept until {last} (Article 8(1)) and may no longer be read",
            where=call_id,
            remedy="nothing can be done; the manager may hold calls only before they expire",
        )


def asked_purpose(given: str | None) -> str:
    """The purpose of listening, in the form's words. Raises RefusedError where there is none."""
    if given is None:
        if not sys.stdin.isatty():
            raise RefusedError(
                "a purpose of Article 1 has to be stated before a call is heard",
                remedy='add --purpose courtesy, --purpose fairness, or the purpose in words: --purpose "…"',
            )
        console = screen(err=True)
        console.print(t("play.ask"))
        for number, name in enumerate((*PURPOSES, "other"), start=1):
            console.print(f"  {number}. {t(f'purpose.{name}')}")
        choice = typer.prompt(t("play.choice"), type=int, err=True)
        given = typer.prompt(t("play.other"), err=True) if choice not in (1, 2) else list(PURPOSES)[choice - 1]
    if not given.strip():
        raise RefusedError("the purpose is empty", remedy="say in words what the call is heard for (Article 1)")
    return PURPOSES.get(given, given if given in PURPOSES.values() else f"その他（{given.strip()}）")


def note(ctx: typer.Context, store: Path | None, opened: Store, call_id: str, why: str) -> None:
    """Write the audit entry; it is durable on return. Raises ServiceError or RefusedError where that cannot be done."""
    if keeper_runs(opened):
        from tsuwaroku.console.client import KeeperClient

        with KeeperClient(session(ctx).socket(store)) as keeper:
            keeper.audit(verb="play", subject=call_id, why=why)
        return
    from tsuwaroku.service.listening import note_act

    try:
        mine = open_store(ctx, store, need_device=True)
    except SecretError as error:
        raise RefusedError(
            "listening cannot be written into the audit log of this store, so it is refused",
            where=str(opened.path),
            remedy="play it on the box, or through its running service",
        ) from error

    with keepers_books(mine) as (audit, journal):
        note_act(journal, audit, SystemClock().now(), person(), "play", subject=call_id, why=why)


def _sound(record: CallRecord, runs: Iterator[tuple[int, bytes]], sink: Output, problems: list[str]) -> None:
    from tsuwaroku.console.levelling import Leveller

    console = screen(err=True)
    rate = record.audio.rate
    leveller = Leveller(rate)
    first = record.audio.first_sample or 0
    waiting = mark_positions(record)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"))
    total = length(record.audio.samples / rate)
    console.print(t("play.now", n=record.sequence, line=record.line, total=total))
    if problems:  # before anybody takes for silence what is missing
        console.print(t("play.damaged", why=shown(problems)), style="bold red", markup=False, soft_wrap=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("♪", total=record.audio.samples, at="")
        for position, pcm in _blocks(runs, first, rate):
            sink.write(leveller.level(pcm))
            at_s = (position - first) / rate
            bar.update(task, completed=position - first, at=f"{length(at_s)} / {total}")
            while waiting and waiting[0][0] <= at_s:
                bar.console.print(t("play.mark", at=length(waiting[0][0]), kind=waiting[0][1]))
                waiting.pop(0)


def _blocks(runs: Iterator[tuple[int, bytes]], first: int, rate: int) -> Iterator[tuple[int, bytes]]:
    """Short blocks with the stream position of their end; a gap is a pause of its length, a second at the most."""
    expected = first
    size = 2 * rate * BLOCK_MS // 1000
    for position, pcm in runs:
        if position > expected:
            yield position, bytes(2 * int(min(position - expected, LONGEST_PAUSE_S * rate)))
        for at in range(0, len(pcm), size):
            block = pcm[at : at + size]
            yield position + (at + len(block)) // 2, block
        expected = position + len(pcm) // 2


def mark_positions(record: CallRecord) -> list[tuple[float, str]]:
    """Seconds into the stored sound of each mark that stands, and its word.

    The sound ends with the call; offsets count from the answer (from the seizure where nobody answered).
    """
    if record.ended_at is None:
        return []
    total_s = record.audio.samples / record.audio.rate
    origin_s = (from_iso(record.ended_at) - from_iso(record.answered_at or record.seized_at)) / NS
    spots = [
        (total_s - origin_s + mark.at_s, word("mark", mark.kind))
        for mark in record.marks
        if mark.at_s is not None and not mark.withdrawn
    ]
    return sorted(spots)
