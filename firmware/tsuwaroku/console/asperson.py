"""Whom the keeper is asked as, under `sudo`: by the verbs that need the superuser for a medium."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_person() -> Iterator[None]:
    """Mounting is the superuser's and an export the manager's: under `sudo` the keeper is asked as who called that.

    It reads who asks from the socket; root has no right there but a technician's. No right is won by this: whoever is
    root reads the device's key.
    """
    uid = os.environ.get("SUDO_UID", "")
    if os.geteuid() != 0 or not uid.isdecimal() or int(uid) == 0:
        yield
        return
    try:
        account = pwd.getpwuid(int(uid))
    except KeyError:
        yield
        return
    own, gid = os.getgroups(), os.getegid()
    os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(own)
