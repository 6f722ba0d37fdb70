"""Who works in the office of the scenario: accounts of the machine, each known to the keeper by the kernel alone."""

from __future__ import annotations

import ctypes
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import msgspec

KEEPER, CONNECT, MANAGERS, HANDLERS, TECHNICIANS = (
    61001,
    61002,
    61003,
    61004,
    61005,
)  # groups; the first an account, too


class Person(msgspec.Struct, frozen=True):
    """An account: its number, and the numbers of its groups."""

    account: str
    uid: int
    groups: tuple[int, ...]

    @property
    def user(self) -> str:
        """What the keeper calls it: by its number, where the machine has no name for that."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"uid {self.uid}"


BOX = Person("box", KEEPER, (KEEPER, CONNECT))
KANRI = Person("kanri", 61016, (CONNECT, MANAGERS))
"""The manager (管財課長) of 令和8年度."""
KANRI_MOVED = Person("kanri", 61016, (CONNECT,))
"""The same in her next office: she is in the managers' group no more."""
SHINNIN = Person("shinnin", 61019, (CONNECT, MANAGERS))
"""Her successor, from April of the next year on."""
DAIRI = Person("dairi", 61015, (CONNECT, HANDLERS))
HANA = Person("hana", 61013, (CONNECT, HANDLERS))
JIRO = Person("jiro", 61014, (CONNECT, HANDLERS))
MIKI = Person("miki", 61017, (CONNECT, HANDLERS))
"""Comes after hana."""
GISHI = Person("gishi", 61012, (CONNECT, TECHNICIANS))
EVERYBODY = (BOX, KANRI, SHINNIN, DAIRI, HANA, JIRO, MIKI, GISHI)
_GROUPS = {"box": KEEPER, "connect": CONNECT, "managers": MANAGERS, "handlers": HANDLERS, "technicians": TECHNICIANS}


def accounts(folder: Path) -> tuple[Path, Path]:
    """`passwd` and `group` of a machine that has these accounts, and root: to be mounted over its own."""
    passwd, group = folder / "passwd", folder / "group"
    lines = [f"{one.account}:x:{one.uid}:{one.groups[0]}::/:/usr/sbin/nologin" for one in EVERYBODY]
    passwd.write_text("\n".join(["root:x:0:0:root:/root:/bin/bash", *lines]) + "\n")
    members = {gid: [one.account for one in EVERYBODY if gid in one.groups[1:]] for gid in _GROUPS.values()}
    lines = [f"{name}:x:{gid}:{','.join(members[gid])}" for name, gid in _GROUPS.items()]
    group.write_text("\n".join(["root:x:0:", "disk:x:6:", *lines]) + "\n")
    return passwd, group


def forked(act: Callable[[], int]) -> int:
    """A child that does one thing and ends with its code; its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = act()
    finally:
        os._exit(code)


def become(person: Person) -> None:
    """For good, as a service's process is of its account."""
    os.setgroups(person.groups)
    os.setgid(person.groups[0])
    os.setuid(person.uid)


def act_as(person: Person) -> None:
    """At sockets this process is the person's from now on; the box's files it reads as whoever may read them."""
    os.setgroups(person.groups)
    os.setegid(person.groups[0])
    os.seteuid(person.uid)
    ctypes.CDLL(None).setfsuid(0)
