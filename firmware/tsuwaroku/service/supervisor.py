"""Keeps recorder and keeper running: two processes, started again when they die, ended together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from tsuwaroku.config import Config, LineConfig
from tsuwaroku.errors import ServiceError, StoreError
from tsuwaroku.service import process
from tsuwaroku.service.process import Spec, StopFlag
from tsuwaroku.service.setup import device_key_path
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.layout import Store

ROLES = ("keeper", "recorder")
RESTART_S = 0.5
RESTART_MAX_S = 10.0
END_S = 15.0
LOCKS_S = 5.0  # processes whose supervisor was killed are still ending


class Pair:
    """The two processes of a box. Used by one thread."""

    def __init__(self, config: Config, store_dir: Path, roles: tuple[str, ...] = ROLES) -> None:
        self._config = config
        self._store = store_dir
        self._epoch_wall_ns = time.time_ns()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._restart_at: dict[str, float] = {}
        self._delay: dict[str, float] = dict.fromkeys(roles, RESTART_S)
        self._roles = roles
        self.restarts = 0

    def start(self) -> None:
        """Start what is not running."""
        for role in self._roles:
            if role not in self._running:
                self._start(role)

    def pid(self, role: str) -> int | None:
        """The process of a role, for those who watch it (or kill it)."""
        child = self._running.get(role)
        return None if child is None else child.pid

    def poll(self) -> list[str]:
        """See who died and start them again, with a growing pause; the roles that are down now."""
        now = time.monotonic()
        for role, child in list(self._running.items()):
            if child.poll() is not None:
                del self._running[role]
                self.restarts += 1
                self._restart_at[role] = now + self._delay[role]
                self._delay[role] = min(2 * self._delay[role], RESTART_MAX_S)
        for role in self._roles:
            if role not in self._running and now >= self._restart_at.get(role, 0.0):
                self._start(role)
            elif role in self._running and now - self._restart_at.get(role, now) > 60:
                self._delay[role] = RESTART_S
        return [role for role in self._roles if role not in self._running]

    def stop(self) -> None:
        """End both, the recorder first: its last calls are then listed by the keeper."""
        for role in reversed(self._roles):
            child = self._running.pop(role, None)
            if child is None:
                continue
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _start(self, role: str) -> None:
        spec = Spec(
            role=role,
            config=self._config,
            store=str(self._store),
            epoch_wall_ns=self._epoch_wall_ns,
            parent=os.getpid(),
        )
        child = subprocess.Popen(
            [sys.executable, "-m", "tsuwaroku.service.process"],
            stdin=subprocess.PIPE,
            # Ctrl-C at a terminal goes to the supervisor alone; it ends the two in order.
            start_new_session=True,
        )
        assert child.stdin is not None
        try:
            child.stdin.write(msgspec.json.encode(spec))
            child.stdin.close()
        except BrokenPipeError:
            pass  # it died at once; poll() sees that
        self._running[role] = child


def run(config: Config, *, store_dir: Path, demo: bool = False, roles: str = "both") -> int:
    """The service, in the foreground, until SIGINT or SIGTERM. One role runs in this very process.

    A real board whose store is not there (an SSD that came loose) is started all the same: its lamps must blink.
    """
    if not demo and config.board.kind == "virtual" and not (store_dir / "store.json").exists():
        raise StoreError(
            "is not a store yet", where=str(store_dir), remedy="make keys and store with `tsuwaroku keys init`"
        )
    _refuse_useless(config, store_dir, ROLES if roles == "both" else (roles,))
    if roles != "both":
        return process.run(Spec(role=roles, config=config, store=str(store_dir), epoch_wall_ns=time.time_ns()))
    stop = StopFlag()
    pair = Pair(config, store_dir)
    pair.start()
    while not stop():
        pair.poll()
        time.sleep(0.2)
    pair.stop()
    return os.EX_OK


def _refuse_useless(config: Config, store_dir: Path, roles: tuple[str, ...]) -> None:
    """What no waiting can mend. Raises ServiceError where the store is in use already, StoreError and its kin.

    On a real board a store that cannot be used is not refused here: somebody has to blink its lamps.
    """
    if config.board.kind == "virtual":
        Store.open(store_dir, device_key_path=device_key_path(config), need_device=True).close()
    until = time.monotonic() + LOCKS_S
    for role in roles:
        while FileLock.held(store_dir / f"{role}.lock") is not None:
            if time.monotonic() > until:
                raise ServiceError(
                    f"a {role} already runs on this store",
                    where=str(store_dir),
                    remedy="`tsuwaroku status` shows what it does; stop it before starting another",
                )
            time.sleep(0.1)


def demo_config(lines: int = 4) -> Config:
    """Some lines on a simulated exchange, as `run --demo` has them."""
    names = ("市民課", "税務課", "福祉課", "管財課", "建設課", "水道課", "教育委員会", "議会事務局")
    return Config(
        station="実演",
        line=tuple(
            LineConfig(id=str(n + 1), extension=str(201 + n), department=names[n % len(names)]) for n in range(lines)
        ),
    )


def start_demo(config: Config, store_dir: Path) -> Pair:
    """Both processes on a simulated exchange; the caller polls and stops them. Raises StoreError, ServiceError."""
    _refuse_useless(config, store_dir, ROLES)
    pair = Pair(config, store_dir)
    pair.start()
    return pair
