"""Wrong passphrases are counted, slowed and told to the keeper. Per key, by the account that typed them.

It slows whoever guesses at this program. Somebody who has the key file needs none of our code: what holds him is
Argon2id (`store/keys.py`), and nothing here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from tsuwaroku.console.output import screen
from tsuwaroku.console.texts import t
from tsuwaroku.errors import TsuwarokuError
from tsuwaroku.store.durable import replace_file

FREE = 3
"""Wrong ones in a row that are a slip of the finger; the third one's successor waits."""
FIRST_S = 2.0
LONGEST_S = 300.0
MOST_KEYS = 64
VERB = "wrong passphrase"
_LARGEST = 1 << 20  # octets of a state file that is ours

Tell = Callable[[str, str], None]
"""Key id, and how often: writes the audit entry, durable on return. Raises TsuwarokuError where it is not."""


class Wrong(msgspec.Struct, kw_only=True):
    """Of one key: wrong ones `since` the last right one, when the last was tried (seconds, wall time), and how many of
    all that were wrong no keeper has been told of."""

    since: Annotated[int, Meta(ge=0)] = 0
    last: float = 0.0
    untold: Annotated[int, Meta(ge=0)] = 0


class _Book(msgspec.Struct, kw_only=True):
    version: int = 1
    keys: dict[str, Wrong] = msgspec.field(default_factory=dict)


def state_path() -> Path:
    """Where this account's counters are."""
    named = os.environ.get("XDG_STATE_HOME", "")
    try:
        base = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:  # an account without a home: nothing can be kept
        base = Path(os.devnull)
    return base / "tsuwaroku" / "wrong.json"


def delay_s(wrong: int) -> float:
    """How long nobody may try after so many wrong ones: 0, 0, 2 s, 4 s, 8 s … 5 min."""
    return 0.0 if wrong < FREE else min(FIRST_S * 2.0 ** min(wrong - FREE, 30), LONGEST_S)


class Slowing:
    """The counters of one key. A file that cannot be read is begun anew; where none can be written, each wrong one
    costs `FIRST_S`. Any number of processes may do this at once."""

    def __init__(
        self,
        key_id: str,
        path: Path | None = None,
        *,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._id = key_id
        self._path = path or state_path()
        self._now = now or time.time
        self._sleep = sleep or time.sleep
        self._kept = True

    # -- around one try

    def wait(self) -> None:
        """Until a try is allowed. Says how long that is; Ctrl-C leaves."""
        while True:
            mine = self._mine(self._read())
            if mine.last > self._now():
                with self._changing() as book:
                    self._left(self._mine(book))
            left = self._left(mine)
            if left <= 0:
                return
            self._pause(left)
            if not self._kept:
                return

    def begin(self) -> None:
        """A try counts before it is made: killing it in the middle, or many at once, win none. Waits its turn."""
        while True:
            with self._changing() as book:
                mine = self._mine(book)
                left = self._left(mine)
                if left <= 0:
                    mine.since += 1
                    mine.last = self._now()
                    return
            self._pause(left)
            if not self._kept:
                return

    def right(self) -> None:
        """It was the right one: nothing is counted any more, but what is untold stays that."""
        if self._mine(self._read()).since:
            with self._changing() as book:
                mine = self._mine(book)
                mine.since, mine.last = 0, 0.0

    def wrong(self, *, begun: bool) -> None:
        """It was a wrong one; it was counted before where it was `begun`."""
        with self._changing() as book:
            mine = self._mine(book)
            mine.since += 0 if begun else 1
            mine.last = self._now()
            mine.untold += 1

    def slow(self, *, begun: bool) -> None:
        """After a wrong one: say how long the next has to wait. One that was not `begun` is a script's, which waits now
        instead of before: one that is right never does."""
        if not self._kept:
            self._pause(FIRST_S)
            return
        since = self._mine(self._read()).since
        if not begun:
            self.wait()
        elif delay_s(since):
            self._say(t("slow.wrong", n=since, wait=_words(delay_s(since))))

    # -- the keeper

    def report(self, tell: Tell) -> None:
        """Tell the keeper of every key's wrong ones that it has not heard of. One process at a time; one that is killed
        in between has them told twice, and never not at all."""
        untold = {key: one for key, one in self._read().keys.items() if one.untold}
        if not untold:
            return
        with self._locked("telling", wait=False) as alone:
            if not alone:
                return
            for key, one in untold.items():
                now = self._read().keys.get(key, Wrong()).untold  # another may have told of them meanwhile
                if not now:
                    continue
                try:
                    tell(key, _audited(now, one.since))
                except TsuwarokuError:
                    return  # at the next contact
                with self._changing() as book:
                    mine = book.keys.setdefault(key, Wrong())
                    mine.untold = max(0, mine.untold - now)

    # -- inside

    def _mine(self, book: _Book) -> Wrong:
        return book.keys.setdefault(self._id, Wrong())

    def _left(self, one: Wrong) -> float:
        """Seconds. A clock that was turned back costs the whole delay once more, and no longer."""
        one.last = min(one.last, self._now())
        return one.last + delay_s(one.since) - self._now() if delay_s(one.since) else 0.0

    def _pause(self, seconds: float) -> None:
        self._say(t("slow.wait", wait=_words(seconds)))
        self._sleep(seconds)

    def _say(self, text: str) -> None:
        screen(err=True).print(text, style="yellow", markup=False, soft_wrap=True)

    def _read(self) -> _Book:
        """What is there; nothing where it is damaged, missing, or nobody's business."""
        try:
            with self._path.open("rb") as file:
                book = msgspec.json.decode(file.read(_LARGEST), type=_Book)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _Book()
        return book if book.version == 1 else _Book()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Book]:
        """The book, written back whole when the block is done."""
        with self._locked("lock", wait=True):
            book = self._read()
            yield book
            kept = {key: one for key, one in book.keys.items() if one.since or one.untold or key == self._id}
            while len(kept) > MOST_KEYS:
                del kept[min(kept, key=lambda key: (key == self._id, kept[key].last))]
            try:
                replace_file(self._path, msgspec.json.encode(_Book(keys=kept)), 0o600)
                self._kept = True
            except OSError:
                self._kept = False

    @contextlib.contextmanager
    def _locked(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Whether we have the lock; where there can be none, everybody has."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self._path.with_suffix(f".{name}"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            yield True
            return
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except OSError:
                yield wait
                return
            yield True
        finally:
            os.close(fd)


def _audited(count: int, since: int) -> str:
    """The words of the audit entry: in Japanese, as purposes are."""
    return f"パスフレーズの誤り {count}回" + (f"（連続 {since}回）" if since > count else "")


def _words(seconds: float) -> str:
    whole = max(1, round(seconds))
    return t("slow.minutes", m=whole // 60, s=whole % 60) if whole >= 60 else t("slow.seconds", s=whole)
