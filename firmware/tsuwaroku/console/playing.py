"""`play`: hear a call. No verb copies one (Article 8(3)), so nothing here writes a file.

What is stored stays as captured (Article 8(2)); levelling happens here, on the way to the loudspeaker.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from tsuwaroku.clock import NS, from_iso
from tsuwaroku.console.keyboard import Listener, listening
from tsuwaroku.console.options import CallArgument, JsonOption, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.outputs import AlsaOutput, NullOutput, Output, PlayerOutput, unknown_player
from tsuwaroku.console.playback import Playback, Stretch, joined
from tsuwaroku.console.render import length
from tsuwaroku.console.session import find_record, load_key, need_key
from tsuwaroku.console.sought import parse_length
from tsuwaroku.console.source import Hearing, source
from tsuwaroku.console.texts import h, t, word
from tsuwaroku.console.translate import translate
from tsuwaroku.errors import DamageError, NotFoundError, RefusedError, SecretError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.records.request import LONGEST_NAME

if TYPE_CHECKING:
    pass

PurposeOption = Annotated[
    str | None, typer.Option("--purpose", metavar="TEXT", help=h("opt.purpose"), show_default=False)
]
NoteOption = Annotated[str | None, typer.Option("--note", metavar="TEXT", help=h("opt.note"), show_default=False)]
WithOption = Annotated[list[str] | None, typer.Option("--with", metavar="NAME", help=h("opt.with"), show_default=False)]
OutputOption = Annotated[
    str | None, typer.Option("--output", metavar="DEVICE", help=h("opt.output"), show_default=False)
]
PlayerOption = Annotated[str | None, typer.Option("--player", metavar="CMD", help=h("opt.player"), show_default=False)]
FromOption = Annotated[str | None, typer.Option("--from", metavar="M:SS", help=h("opt.play_from"), show_default=False)]
ToOption = Annotated[str | None, typer.Option("--to", metavar="M:SS", help=h("opt.play_to"), show_default=False)]
PlainOption = Annotated[bool, typer.Option("--no-levelling", metavar="", help=h("opt.plain"), show_default=False)]
PURPOSES = {"courtesy": "職員の接遇意識の向上", "fairness": "業務の公正かつ適正な執行"}
"""Article 1 and the check boxes of 別記様式; anything else is その他 and must be said in words."""
TELL_S = 5.0
LONGEST_PLAYER = 200  # letters of a player's command, in the note
"""How often the keeper is told what was heard so far: a terminal that dies has told that much."""


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
    note: NoteOption = None,
    listeners: WithOption = None,
    begin: FromOption = None,
    end: ToOption = None,
    output: OutputOption = None,
    player: PlayerOption = None,
    plain: PlainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Play a call, after its purpose is in the audit log; what was heard of it is there afterwards."""
    need_key(key)
    asked = parse_length(begin, "--from"), parse_length(end, "--to")
    if output is not None and player is not None:
        raise typer.BadParameter(t("play.one_output"), param_hint="--output, --player")
    where = source(ctx, store)
    private = load_key(key, passphrase_file)
    assert private is not None
    record = find_record(where.records(private), call)
    if not isinstance(record, CallRecord):
        raise SecretError("this key does not open the call", where=record.id, remedy="use a key the call was sealed to")
    if not record.audio.samples:
        raise NotFoundError("this call has no sound", where=record.id, remedy="`tsuwaroku show` says why")
    span = _span(record, *asked)
    why, words = asked_purpose(purpose), asked_note(note)
    if player is not None and unknown_player(player):
        words = " ／ ".join(filter(None, (words, t("play.through", player=player[:LONGEST_PLAYER]))))
    names = [name.strip() for name in listeners or () if name.strip()]
    _refuse_long(why, words, names)
    rate = record.audio.rate

    def opened() -> Output:
        if player is not None:
            return PlayerOutput(player, rate)
        return NullOutput() if output == "null" else AlsaOutput(output or "default", rate)

    with listening() as control:
        first = opened()  # what cannot sound is no act
        try:
            with where.hearing(record, private, purpose=why, note=words, listeners=names) as hearing:
                heard = _Hearing(record, hearing, control, span, opened, plain=plain)
                done = heard.play(first)
        finally:
            first.stop()
    if as_json:
        emit_json(
            {
                "id": record.id,
                "sequence": record.sequence,
                "purpose": why,
                "note": words,
                "listeners": names,
                "heard": [{"from_s": begun, "to_s": ended} for begun, ended in heard.seconds()],
                "whole": heard.whole,
                "problems": heard.problems,
            }
        )
    _say_end(heard, done=done)
    if control.signalled is not None:
        raise SystemExit(128 + control.signalled)
    if heard.problems:
        told = t("play.not_whole", why=shown(heard.problems))
        raise DamageError(told, where=record.id, remedy=t("play.not_whole_remedy"))


def _refuse_long(why: str, words: str, names: Sequence[str]) -> None:
    """Raises RefusedError for more than an entry of the audit log takes."""
    from tsuwaroku.service.hearing import MOST_LISTENERS
    from tsuwaroku.service.holding import LONGEST_REASON

    texts = [(why, LONGEST_REASON, "--purpose"), (words, LONGEST_REASON, "--note")]
    texts += [(name, LONGEST_NAME, "--with") for name in names]
    for text, most, where in texts:
        if len(text) > most:
            raise RefusedError(f"the text is longer than {most} letters", where=where, remedy="say it in fewer words")
    if len(names) > MOST_LISTENERS:
        raise RefusedError(
            f"more than {MOST_LISTENERS} people listen along", where="--with", remedy="hear it in smaller groups"
        )


def _span(record: CallRecord, begin_s: int | None, end_s: int | None) -> Stretch:
    """The positions to play, from and up to. Raises BadParameter."""
    first, rate, samples = record.audio.first_sample or 0, record.audio.rate, record.audio.samples
    begin, end = (begin_s or 0) * rate, samples if end_s is None else min(samples, end_s * rate)
    if begin >= samples:
        raise typer.BadParameter(t("play.too_far", total=length(samples / rate)), param_hint="--from")
    if begin >= end:
        raise typer.BadParameter(
            t("play.order", begin=length(begin / rate), end=length(end / rate)), param_hint="--from, --to"
        )
    return first + begin, first + end


class _Hearing:
    """One hearing, its bar, and what the keeper is told of it."""

    def __init__(
        self,
        record: CallRecord,
        hearing: Hearing,
        control: Listener,
        span: Stretch,
        opened: Callable[[], Output],
        *,
        plain: bool,
    ) -> None:
        self._record = record
        self._hearing = hearing
        self._control = control
        self._span = span
        self._exhausted = False
        self._told = 0.0
        self.rate, self.first, self.samples = record.audio.rate, record.audio.first_sample or 0, record.audio.samples
        self.problems = list(hearing.problems)
        self._marks = [spot for spot in mark_positions(record, hearing.starts_at_s) if spot[0] >= self._at_s(span[0])]
        self._playback = Playback(
            self,
            opened,
            begin=span[0],
            end=span[1],
            level=(lambda: lambda pcm: pcm) if plain else self._leveller,
            control=control,
            show=self._show,
        )

    def pieces(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Of `Sounding`."""
        self._exhausted = False
        for at, pcm in self._hearing.pieces():
            if at + len(pcm) // 2 > start:
                yield at, pcm
        self._exhausted = True

    def play(self, output: Output) -> bool:
        """Whether it came to its end. Raises what reading, the output and the keeper raise; what was heard is told in
        any case."""
        console = screen(err=True)
        record, total = self._record, length(self.samples / self.rate)
        console.print(t("play.now", n=record.sequence, line=record.line, total=total))
        if self.problems:  # before anybody takes for silence what is missing
            console.print(t("play.damaged", why=shown(self.problems)), style="bold red", markup=False, soft_wrap=True)
        if self._control.has_keys:
            console.print(t("play.keys"), style="dim")
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"))
        self._hearing.heard([])
        try:
            with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
                self._bar, self._task = bar, bar.add_task("♪", total=self.samples, at="")
                done = self._playback.play(output)
        finally:
            self._hearing.heard(self.seconds())
        if self._exhausted:
            self.problems += self._hearing.checked()
        return done

    def seconds(self) -> list[tuple[float, float]]:
        """What was heard so far, into the stored sound, from and to."""
        from tsuwaroku.service.hearing import MOST_STRETCHES

        heard = self._playback.so_far()
        if len(heard) > MOST_STRETCHES:  # of somebody who leans on a key: in the order of the call, joined
            heard = joined(heard)
        return [(self._at_s(begin), self._at_s(end)) for begin, end in heard]

    @property
    def whole(self) -> bool:
        """Whether all of the call was heard, as far as it can be."""
        return self._playback.heard.covers(self.first, self.first + self.samples)

    def _at_s(self, position: int) -> float:
        return round((position - self.first) / self.rate, 3)

    def _leveller(self) -> Callable[[bytes], bytes]:
        from tsuwaroku.console.levelling import Leveller

        return Leveller(self.rate).level

    def _show(self, position: int) -> None:
        at_s, total = self._at_s(position), length(self.samples / self.rate)
        self._bar.update(self._task, completed=position - self.first, at=f"{length(at_s)} / {total}")
        while self._marks and self._marks[0][0] <= at_s:
            self._bar.console.print(t("play.mark", at=length(self._marks[0][0]), kind=self._marks[0][1]))
            self._marks.pop(0)
        if time.monotonic() - self._told >= TELL_S:
            self._told = time.monotonic()
            self._hearing.heard(self.seconds())

    _bar: Progress
    _task: TaskID


def _say_end(heard: _Hearing, *, done: bool) -> None:
    from tsuwaroku.service.hearing import stretches_text

    console: Console = screen(err=True)
    if heard.whole and done and not heard.problems:
        console.print(t("play.done"))
    elif not heard.whole:
        found = heard.seconds()
        console.print(t("play.heard", stretches=stretches_text(found)) if found else t("play.heard_nothing"))


def shown(problems: Sequence[str]) -> str:
    """What is wrong with a call, in the language of this run."""
    return " / ".join(translate(problem) for problem in problems)


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


def asked_note(given: str | None) -> str:
    """What else is to be in the audit log; nothing is an answer."""
    if given is None and sys.stdin.isatty():
        given = typer.prompt(t("play.note"), default="", show_default=False, err=True)
    return (given or "").strip()


def mark_positions(record: CallRecord, starts_at_s: float | None) -> list[tuple[float, str]]:
    """Seconds into the stored sound of each mark that stands, and its word.

    `starts_at_s`: where the sound begins by the offsets of the record, which count from the answer; the sound of a call
    that does not say ends with the call.
    """
    if starts_at_s is None:
        if record.ended_at is None:
            return []
        ended_s = (from_iso(record.ended_at) - from_iso(record.answered_at or record.seized_at)) / NS
        starts_at_s = ended_s - record.audio.samples / record.audio.rate
    spots = [
        (mark.at_s - starts_at_s, word("mark", mark.kind))
        for mark in record.marks
        if mark.at_s is not None and not mark.withdrawn
    ]
    return sorted(spots)
