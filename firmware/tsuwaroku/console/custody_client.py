"""What the verbs of media and copies ask of the keeper; and the media that are plugged in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import typer

from tsuwaroku.config import Config
from tsuwaroku.console.asperson import as_person
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.console.session import open_store, session
from tsuwaroku.console.stead import keeper_runs
from tsuwaroku.disclosure.drive import Drive, Drives
from tsuwaroku.disclosure.drives import UsbDrives
from tsuwaroku.disclosure.identity import Match, Recognition, Registered
from tsuwaroku.disclosure.registering import find_registered, refusal
from tsuwaroku.disclosure.virtual_drives import VirtualDrives
from tsuwaroku.errors import RefusedError, ServiceError
from tsuwaroku.service.copying import BeginRequest, Begun, FailedRequest, MadeRequest, Signature, SignRequest
from tsuwaroku.service.custody import Identities, MediumRequest, MediumSeen, RegisteringRequest
from tsuwaroku.service.requesting import RequestSeen

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store


class CustodyClient(KeeperClient):
    """A connection for media and copies. Every method raises what the keeper refuses, and ServiceError."""

    def media(self) -> list[MediumSeen]:
        """All of them, oldest first."""
        return self._decode(self._ask("GET", "/v1/media"), list[MediumSeen])

    def identities(self) -> Identities:
        """What recognises a medium that is plugged in."""
        return self._decode(self._ask("GET", "/v1/media/identities"), Identities)

    def registering(self, asked: RegisteringRequest) -> Identities:
        """Whether this may be registered."""
        return self._decode(self._post("/v1/media/registering", asked), Identities)

    def wiping(self, name: str) -> Identities:
        """Whether this may be wiped now."""
        return self._decode(self._post("/v1/media/wiping", MediumRequest(medium=name)), Identities)

    def request(self, slug: str) -> RequestSeen:
        """A request, with what was done about it as the log has it."""
        return self._decode(self._ask("GET", f"/v1/requests/{quote(slug, safe='')}"), RequestSeen)

    def begin(self, asked: BeginRequest) -> Begun:
        """The attempt is in the audit log on return."""
        return self._decode(self._post("/v1/copies", asked), Begun)

    def sign(self, of: int, statement: bytes) -> bytes:
        """The device's signature over the statement of this attempt."""
        asked = SignRequest(of=of, statement=statement)
        return self._decode(self._post("/v1/copies/sign", asked), Signature).signature

    def made(self, asked: MadeRequest) -> None:
        """The copy counts on return."""
        self._post("/v1/copies/made", asked)

    def failed(self, of: int, why: str) -> None:
        """It does not."""
        self._post("/v1/copies/failed", FailedRequest(of=of, why=why))

    def act(self, path: str, asked: msgspec.Struct) -> None:
        """Any other act; durable on return."""
        self._post(path, asked)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        with as_person():
            return super()._ask(method, path, body)


@contextmanager
def custody(ctx: typer.Context, store: Path | None, opened: Store | None) -> Iterator[CustodyClient]:
    """The running keeper: media are in its hands alone. `opened`: its store, None where only its socket is here. Raises
    ServiceError where none runs."""
    if opened is not None and not keeper_runs(opened):
        raise ServiceError(
            "copies and media are in the service's keeping, and it does not run",
            where=str(opened.path),
            remedy="start it with `systemctl start tsuwaroku` (or `tsuwaroku run`), then begin anew",
        )
    with CustodyClient(session(ctx).socket(store)) as keeper:
        yield keeper


def box_of(ctx: typer.Context, store: Path | None) -> Store | None:
    """The store, where it is on this machine; on a PC there is only a socket. Raises StoreError and its kin."""
    return None if session(ctx).socket_path is not None else open_store(ctx, store)


def drives_here(ctx: typer.Context, opened: Store | None, keeper: KeeperClient) -> Drives:
    """The media of the machine somebody sits at. Raises RefusedError for virtual ones on a real store."""
    config = session(ctx).config_if_there()
    if opened is not None:
        return drives_of(config, opened)
    return drives_of_pc(config, demonstration=keeper.status().demonstration)


def drives_of(config: Config | None, store: Store) -> Drives:
    """This machine's media, or those of a demonstration. Raises RefusedError for virtual ones on a real store."""
    if config is None or config.media.kind == "usb":
        if store.info.is_demonstration and _drawer(store).exists():
            return VirtualDrives(_drawer(store))
        return UsbDrives(protected=[store.path, store.path / "ring"])
    return VirtualDrives(sticks_of(config, store))


def sticks_of(config: Config | None, store: Store) -> Path:
    """The folder of a demonstration's virtual sticks: the configuration's, else one beside the store. Raises
    RefusedError on a real store."""
    if not store.info.is_demonstration:
        raise RefusedError(
            "virtual media are for demonstrations alone: a copy would lie on this machine",
            where="media.kind",
            remedy='set media.kind = "usb"',
        )
    return _drawer(store) if config is None or config.media.kind == "usb" else Path(config.media.folder)


def _drawer(store: Store) -> Path:
    return store.path.with_name(f"{store.path.name}-sticks")


def drives_of_pc(config: Config | None, *, demonstration: bool) -> Drives:
    """The same where the store is on another machine, whose keeper says whether it is a demonstration."""
    if config is None or config.media.kind == "usb":
        return UsbDrives(protected=[])
    if not demonstration:
        raise RefusedError(
            "virtual media are for demonstrations alone: a copy would lie on this machine",
            where="media.kind",
            remedy='set media.kind = "usb"',
        )
    return VirtualDrives(Path(config.media.folder))


def plugged(drives: Drives, device: str | None) -> Drive:
    """The medium of this device, else the only one there is. Raises MediumError, RefusedError."""
    found = drives.find()
    return found.only() if device is None else found.at(device)


def recognised(
    drives: Drives, device: str | None, medium: str | None, known: Identities
) -> tuple[Drive, Registered | None, Recognition | None]:
    """What is plugged in, and which registered medium that is: the one called `medium` where it is named. None for one
    that nobody registered. Raises RefusedError where it is not that one, or was tampered with; MediumError."""
    if medium is None or device is not None:
        looked = [plugged(drives, device)]
    else:
        looked = list(drives.find().drives) or [plugged(drives, None)]
    for drive in looked:
        found = find_registered(drives, drive, known.known, known.secret)
        if found is not None and medium in (None, found[0].name):
            if found[1].match not in (Match.SAME, Match.NO_TOKEN, Match.OTHER_TOKEN):
                raise refusal(found[1], drive)
            return drive, *found
    if medium is not None and any(one.name == medium for one in known.known):
        raise RefusedError(
            f"the medium {medium} is not plugged in", remedy="plug in the medium that is meant, then begin anew"
        )
    return looked[0], None, None
