"""Who asks, and what they are to this box: from the kernel, the groups of the machine, and the appointments that stand.

Nothing a client says of itself is believed.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import socket
import struct
from collections.abc import Sequence
from datetime import date

import msgspec

from tsuwaroku.config import ServiceConfig
from tsuwaroku.records.appointments import Appointment, Post, holding_post
from tsuwaroku.records.roles import Role

DEMO_PERSON = "Tsuwaroku-Demo-Person"
"""Header of a question, see `played`."""
_PERSON = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_CREDENTIALS = struct.Struct("iII")
_SO_PEERGROUPS = getattr(socket, "SO_PEERGROUPS", 59)  # Linux 4.13; Python has no name for it before 3.14
_MOST_OCTETS = 1024  # of an option that Python reads: 256 groups


class Peer(msgspec.Struct, frozen=True):
    """The process at the other end of a Unix socket, as the kernel says. `user`: its account, else "uid N"."""

    user: str
    uid: int
    groups: frozenset[int]


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with what they may do. `lines`: those a handler is appointed for, None for all; a manager's are all."""

    user: str
    roles: frozenset[Role]
    lines: frozenset[str] | None = None

    def sees(self, line: str) -> bool:
        """Whether the calls of a line are this person's to see."""
        return self.lines is None or line in self.lines


def uid_of(link: socket.socket) -> int:
    """The account of the process at the other end, by its number. Raises OSError."""
    return _credentials(link)[0]


def _credentials(link: socket.socket) -> tuple[int, int]:
    octets = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, gid = _CREDENTIALS.unpack(octets)
    return uid, gid


def peer_of(link: socket.socket) -> Peer:
    """Whose process it is. Groups are those the process has and its account, where it has one, has still: a session
    from before somebody left a group does not outlive that. Raises OSError, for a process of more than 256 groups
    too."""
    uid, gid = _credentials(link)
    octets = link.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_OCTETS)
    groups = {gid, *struct.unpack(f"{len(octets) // 4}I", octets)}
    try:
        account = pwd.getpwuid(uid)
    except KeyError:
        return Peer(f"uid {uid}", uid, frozenset(groups))
    return Peer(account.pw_name, uid, frozenset(groups & set(os.getgrouplist(account.pw_name, account.pw_gid))))


def asker_of(
    peer: Peer, settings: ServiceConfig, found: Sequence[Appointment], today: date, *, demonstration: bool
) -> Asker:
    """What somebody may do today (Asia/Tokyo).

    The manager's office is a group of the machine (管財課長をもって充てる, Article 4(1)); handlers and the deputy are
    in a group, too, and appointed. The service's own account may do everything where the box is a demonstration, or
    `local_console` says that one person has it to herself; on any other it is a technician's, as root is.
    """
    if peer.uid == os.geteuid() and (demonstration or settings.local_console):
        return Asker(user=peer.user, roles=frozenset(Role))
    roles = {role for role, name in _groups(settings).items() if _has(peer, name)}
    deputy = holding_post(found, peer.user, Post.DEPUTY, today)
    handler = holding_post(found, peer.user, Post.HANDLER, today)
    staff = _has(peer, settings.handler_group)
    if staff and deputy:
        roles.add(Role.DEPUTY)
    if staff and handler:
        roles.add(Role.HANDLER)
    if peer.uid in (0, os.geteuid()):
        roles.add(Role.TECHNICIAN)
    limited = handler and all(one.lines for one in handler) and roles.isdisjoint({Role.MANAGER, Role.DEPUTY})
    lines = frozenset(line for one in handler for line in one.lines) if limited else None
    return Asker(user=peer.user, roles=frozenset(roles), lines=lines)


def played(asker: Asker, person: str, *, demonstration: bool) -> Asker:
    """A demonstration has one account and an office of several people: whoever may do everything there may say which of
    them acts, so that somebody else approves than asked. On any other store, and from anybody else, it counts for
    nothing."""
    everything = asker.roles == frozenset(Role)
    if not (demonstration and everything and _PERSON.fullmatch(person)):
        return asker
    return msgspec.structs.replace(asker, user=person)


def _groups(settings: ServiceConfig) -> dict[Role, str]:
    return {Role.MANAGER: settings.manager_group, Role.TECHNICIAN: settings.technician_group}


def _has(peer: Peer, group: str) -> bool:
    """Whether somebody is in a group, given by its name or its number."""
    number = group_number(group)
    return number is not None and number in peer.groups


def group_number(group: str) -> int | None:
    """The number of a group; None where the machine has none of that name."""
    if group.isascii() and group.isdigit():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return None
