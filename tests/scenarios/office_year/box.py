"""The office's box: a keeper in a process of its own at its real sockets, a recorder started for each of its calls,
people at the command line as accounts of their own, and a clock that the test moves for all of them.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import signal
import socket
import struct
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.scenarios.office_year.people import BOX, Person, act_as, become, forked
from tsuwaroku.clock import JST, NS, ClockQuality, Instant, SystemClock, VirtualClock, iso
from tsuwaroku.config import Config, load
from tsuwaroku.console import cli
from tsuwaroku.disclosure import page, sevenzip
from tsuwaroku.events import ContactEdge
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.virtual import STEP_NS, LineSource, VirtualBoard
from tsuwaroku.service import control
from tsuwaroku.service.assembly import Assembled, new_instance
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.link import Hello, SocketLink
from tsuwaroku.service.simulate import TAIL_S, script_config
from tsuwaroku.service.sockets import keeper_socket, link_socket
from tsuwaroku.store.keys import make_private_key
from tsuwaroku.store.layout import Store

_STATE = struct.Struct("<qqq")
PIECES = 10_000  # of an erasure, at the most
PASSPHRASE = "きんもくせいの庭"
MEDIUM_PASSPHRASE = "kasu-mito-reno-pago-zaba-doke"


class MovedClock:
    """One clock for all processes of the box and everybody's, in memory that they share. It is a `Clock`, always right
    and knowing it."""

    def __init__(self, start_ns: int) -> None:
        self._memory = mmap.mmap(-1, _STATE.size)
        self._set(start_ns, start_ns - 60 * NS, 1)

    def now(self) -> Instant:
        wall_ns, began_ns, boot = self._get()
        return self._instant(wall_ns - began_ns, began_ns, boot)

    def at(self, mono_ns: int) -> Instant:
        _, began_ns, boot = self._get()
        return self._instant(mono_ns, began_ns, boot)

    def to(self, wall_ns: int) -> None:
        """Never back."""
        now_ns, began_ns, boot = self._get()
        self._set(max(now_ns, wall_ns), began_ns, boot)

    def by(self, seconds: float) -> None:
        self.to(self.now().wall_ns + round(seconds * NS))

    def boots(self, off_ns: int) -> None:
        """The machine is without power for so long, and another boot begins."""
        wall_ns, _, boot = self._get()
        self._set(wall_ns + off_ns + 20 * NS, wall_ns + off_ns, boot + 1)

    def _get(self) -> tuple[int, int, int]:
        wall_ns, began_ns, boot = _STATE.unpack(self._memory[:])
        return wall_ns, began_ns, boot

    def _set(self, *values: int) -> None:
        self._memory[:] = _STATE.pack(*values)

    @staticmethod
    def _instant(mono_ns: int, began_ns: int, boot: int) -> Instant:
        return Instant(began_ns + mono_ns, mono_ns, boot.to_bytes(16, "big"), ClockQuality.SYNCHRONISED)


class Later:
    """A line's source whose script begins `by_ns` (whole seconds) into the board's time."""

    def __init__(self, source: LineSource, by_ns: int, rate: int) -> None:
        self.line, self.mixes_notice = source.line, source.mixes_notice
        self._source, self._by_ns, self._first = source, by_ns, by_ns // NS * rate

    def events(self, start_ns: int, end_ns: int) -> list[Any]:
        found = self._source.events(max(0, start_ns - self._by_ns), max(0, end_ns - self._by_ns))
        return [
            type(one)(one.line, one.contact, one.active, one.mono_ns + self._by_ns)
            if isinstance(one, ContactEdge)
            else type(one)(one.line, one.mono_ns + self._by_ns)
            for one in found
        ]

    def read(self, first_sample: int, count: int) -> bytes | None:
        return self._source.read(first_sample - self._first, count)

    def ends_ns(self) -> int | None:
        ends = self._source.ends_ns()
        return None if ends is None else ends + self._by_ns


class Ran(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Box:
    """`folder`: everything lies in it. `usb`: its media are the machine's own, else virtual."""

    def __init__(self, folder: Path, clock: MovedClock, configured: str, *, usb: bool) -> None:
        self.folder, self.clock, self.usb = folder, clock, usb
        self.store = folder / "store"
        self.config = folder / "config.toml"
        self.secret, self.medium_secret = folder / "passphrase.txt", folder / "medium.txt"
        self.secret.write_text(PASSPHRASE + "\n")
        self.medium_secret.write_text(MEDIUM_PASSPHRASE + "\n")
        self.config.write_text(configured)
        self.settings: Config = load(self.config)
        self.acts = 0
        self._keeper: tuple[int, socket.socket] | None = None

    # -- time

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self.clock.now().wall_ns // NS, JST).date()

    def go(self, moment: str) -> None:
        """On to 2026-05-01 09:00, each night lived through: soon after midnight the keeper lets calls go."""
        until = datetime.fromisoformat(moment).replace(tzinfo=JST)
        while self.today < until.date():
            night = datetime.combine(self.today + timedelta(1), datetime.min.time(), JST) + timedelta(minutes=3)
            self.clock.to(round(night.timestamp()) * NS)
            self.look()
        self.clock.to(round(until.timestamp()) * NS)
        self.look()

    # -- the keeper

    def start(self) -> None:
        ours, theirs = socket.socketpair()
        link_socket(self.store).unlink(missing_ok=True)

        def keep() -> int:
            ours.close()
            become(BOX)
            asyncio.run(self._keep(theirs))
            return 0

        pid = forked(lambda: _complaining(keep))
        theirs.close()
        self._keeper = pid, ours
        assert self._heard() == "there"

    async def _keep(self, link: socket.socket) -> None:
        store = Store.open(self.store, need_device=True)
        keeper = Keeper(store, self.settings, self.clock)
        keeper.start()
        stop = asyncio.Event()

        def asked() -> None:
            word = link.recv(1)
            if word == b"d":
                keeper.between = lambda: os.kill(os.getpid(), signal.SIGKILL)
                word = b"l"
            if word != b"l":
                stop.set()
                return
            try:
                failed = self._passed(keeper)
            except Exception:
                failed = traceback.format_exc()
            link.sendall((failed or "done").encode())

        serving = asyncio.create_task(
            control.serve(keeper, keeper_socket(self.store, self.settings), link_socket(self.store), stop)
        )
        while not link_socket(self.store).exists():
            await asyncio.sleep(0.005)
        asyncio.get_running_loop().add_reader(link.fileno(), asked)
        link.sendall(b"there")
        await serving
        keeper.close()
        store.close()

    def _passed(self, keeper: Keeper) -> str:
        """Polls, until a pass over the calls that began with them is through; what failed."""
        for number in range(PIECES):
            self.clock.by(2)
            keeper.poll()
            if keeper._trail.fault:
                return keeper._trail.fault
            if number and keeper._upkeep.expiry._rest is None:
                return ""
        return "the erasure does not come to its end"

    @property
    def running(self) -> bool:
        return self._keeper is not None

    def look(self) -> None:
        """The keeper has its turn, whatever there is to do."""
        assert self._keeper is not None
        self._keeper[1].sendall(b"l")
        heard = self._heard()
        assert heard == "done", heard

    def _heard(self) -> str:
        assert self._keeper is not None
        self._keeper[1].settimeout(240)
        return self._keeper[1].recv(4096).decode()

    def stop(self) -> None:
        """It is told to end, and does."""
        assert self._keeper is not None
        pid, link = self._keeper
        link.close()
        assert os.waitpid(pid, 0)[1] == 0
        self._keeper = None

    def kill(self) -> None:
        """It dies without a word."""
        assert self._keeper is not None
        pid, link = self._keeper
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        link.close()
        self._keeper = None

    def dies_in_the_erasure(self) -> None:
        """Of this night: after the first piece of it; and is started again."""
        assert self._keeper is not None
        pid, link = self._keeper
        link.sendall(b"d")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        link.close()
        self._keeper = None
        self.start()
        self.look()

    # -- the recorder

    def record(self, script: str) -> None:
        """A recorder takes these calls from the exchange, sealed as the keeper's list says, and ends."""
        path = self.folder / "script.toml"
        path.write_text(script)

        def take() -> int:
            become(BOX)
            self._record(path)
            return 0

        path.chmod(0o644)
        assert os.waitpid(forked(lambda: _complaining(take)), 0)[1] == 0
        if self.running:
            self.look()

    def _record(self, path: Path) -> None:
        loaded, rate = load_script(path), self.settings.board.rate
        now = self.clock.now()
        by_ns = -(-now.mono_ns // NS) * NS
        clock = VirtualClock(now.wall_ns - now.mono_ns, ClockQuality.SYNCHRONISED, now.boot_id)
        clock.mono_ns = by_ns
        sources = [Later(source, by_ns, rate) for source in loaded.sources()]
        board = VirtualBoard(sources, clock, realtime=False, rate=rate, tail_s=TAIL_S)
        board._step = by_ns // STEP_NS  # in the middle of the boot; nothing was on the lines before
        board.open()
        store, instance = Store.open(self.store, need_device=True), new_instance()
        link = SocketLink(link_socket(self.store), Hello(instance.hex(), os.getpid()))
        settings = script_config(loaded, self.settings)
        parts = Assembled(settings, board=board, clock=clock, store=store, link=link, instance=instance, inline=True)

        def each(now_s: float) -> None:
            link.poll(now_s)
            self.clock.to(clock.now().wall_ns)

        parts.recorder.run(lambda: False, each)
        board.close()
        link.close()
        assert parts.release()
        store.close()

    # -- people

    def __call__(self, who: Person, *arguments: object, code: int = 0) -> Ran:
        """One command line of a person's, in Japanese; it has to end with `code`."""
        self.acts += 1
        line = ["--config", str(self.config), *map(str, arguments)]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:

            def act() -> int:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                for own, number, name in ((out, 1, "stdout"), (err, 2, "stderr")):
                    os.dup2(own.fileno(), number)
                    setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
                sys.stdin = os.fdopen(0, closefd=False)
                if who is BOX:
                    become(who)
                elif self.usb and arguments[0] in ("media", "export"):
                    os.environ |= {"SUDO_UID": str(who.uid), "SUDO_USER": who.account}
                else:
                    act_as(who)
                done = _complaining(lambda: cli.run(line))
                sys.stdout.flush()
                sys.stderr.flush()
                return done

            _, status = os.waitpid(forked(act), 0)
            ran = Ran(os.waitstatus_to_exitcode(status), *(_text(file) for file in (out, err)))
        assert ran.code == code, f"{who.account}: {' '.join(line)} ended with {ran.code}\n{ran.out}{ran.err}"
        return ran

    def key(self, who: Person) -> tuple[object, ...]:
        """The options that name her key."""
        return "--key", self.key_of(who), "--passphrase-file", self.secret

    def key_of(self, who: Person) -> Path:
        return self.folder / f"{who.account}.key"

    def now(self) -> str:
        return iso(self.clock.now().wall_ns)


def _complaining(act: Any) -> int:
    try:
        done: int = act()
    except BaseException:
        os.write(2, traceback.format_exc().encode())
        return 71
    return done


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode())


@contextmanager
def moved_world(start_ns: int, rounds: Sequence[int] = (1000, 14)) -> Iterator[MovedClock]:
    """Every process made inside goes by the clock that is given, and stretches passphrases cheaply."""
    clock = MovedClock(start_ns)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemClock, "__init__", lambda self: None)
        patch.setattr(SystemClock, "now", lambda self: clock.now())
        patch.setattr(SystemClock, "at", lambda self, mono_ns: clock.at(mono_ns))
        patch.setattr(page, "ROUNDS", rounds[0])
        patch.setattr(sevenzip, "CYCLES", rounds[1])
        defaults = make_private_key.__kwdefaults__ or {}
        patch.setitem(defaults, "passes", 1)
        patch.setitem(defaults, "memory", 8192)
        for name in ("LC_ALL", "LC_MESSAGES", cli.CONFIG_VARIABLE, "SUDO_USER", "SUDO_UID"):
            patch.delenv(name, raising=False)
        patch.setenv("LANG", "ja_JP.UTF-8")
        patch.setenv("COLUMNS", "400")
        patch.setenv(cli.DEBUG_VARIABLE, "1")
        yield clock
