"""A store directory: making it in the durable order of FORMAT.md, opening it, refusing what is not it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec

from tsuwaroku.errors import ForeignStoreError, SecretError, ServiceError, StoreError
from tsuwaroku.store.durable import FileLock, create_filled, replace_file, sync_directory
from tsuwaroku.store.keys import DeviceKey, PrivateKey, Recipients, hex_octets, make_demo_key, verify_signature
from tsuwaroku.store.ring import RingFiles, file_sizes, ring_name
from tsuwaroku.store.slot import MAGIC_USED, SLOT_SIZE, SLOTS_PER_FILE, VERSION, free_block

DOMAIN_STORE = b"tsuwaroku store 1\0"
JOURNAL_SEGMENT = 1 << 20
JOURNAL_OWNERS = ("recorder", "keeper")
DEMO_KEY = "demo.key"
_INFO = "store.json"
_DIRECTORIES = {"keys": 0o700, "ring": 0o750, "journal": 0o750, "catalogue": 0o750, "audit": 0o750, "run": 0o750}
_OURS = {*_DIRECTORIES, DEMO_KEY, "recorder.lock", "keeper.lock", "lease.json", "slots.table", "clock.json"}


class StoreInfo(msgspec.Struct, frozen=True, kw_only=True):
    """store.json. `store_id` and `device_keys` (public, one an epoch) are hex; `created` is ISO 8601 or empty;
    `signature`, hex, is the device's over all the rest."""

    version: int
    store_id: str
    created: str
    slots: int
    slot_size: int
    device_keys: list[str]
    demonstration: bool
    retention_days: int
    signature: str = ""

    def signed(self, device: DeviceKey) -> StoreInfo:
        """The same with this box's signature."""
        return msgspec.structs.replace(self, signature=device.sign(DOMAIN_STORE, self._signed_octets()).hex())

    def is_signed(self) -> bool:
        """Whether it is as its first device key signed it. A changed one is used all the same where it fits, for calls
        must go on being recorded; `verify` says so."""
        if not self.device_keys:
            return False
        public, signature = hex_octets(self.device_keys[0]), hex_octets(self.signature)
        return verify_signature(public, DOMAIN_STORE, self._signed_octets(), signature)

    @property
    def is_as_made(self) -> bool:
        """Whether nothing in it was changed since the box made it: signed, and by the only key a box ever has."""
        return len(self.device_keys) == 1 and self.is_signed()

    @property
    def is_demonstration(self) -> bool:
        """Whether it was made as one. Whatever a demonstration may do more goes by this, and never by `demonstration`
        alone, which whoever can write the file could set."""
        return self.demonstration and self.is_as_made

    def vouches(self, epoch: int, domain: bytes, octets: bytes, signature: bytes) -> bool:
        """Whether this box's device key of that epoch signed `domain ‖ octets`."""
        keys = self.device_keys
        return epoch < len(keys) and verify_signature(hex_octets(keys[epoch]), domain, octets, signature)

    def admit(self, key: PrivateKey, where: str) -> None:
        """Refuse a demonstration key on a real store. Raises SecretError."""
        if key.demonstration and not self.is_demonstration:
            raise SecretError(
                "a demonstration key opens no real store",
                where=where,
                remedy="use the key of the 管理責任者 or 管理取扱者",
            )

    def _signed_octets(self) -> bytes:
        return msgspec.json.encode(msgspec.structs.astuple(self)[:-1])


class Store:
    """An opened store. `device` is the signing key where this process has it; only then is the ring writable."""

    def __init__(self, path: Path, info: StoreInfo, device: DeviceKey | None, writable: bool) -> None:
        self.path = path
        self.info = info
        self.device = device
        self.lock: FileLock | None = None
        """By which this process owns what it writes here, if it does."""
        self.recipients = Recipients.load(self._recipients_path, info.store_id, info.device_keys)
        self.ring = RingFiles(path / "ring", info.slots, writable, self.refuse_other)

    def refuse_other(self) -> None:
        """Asked before a file is opened again after a failure: the disk may have been mounted anew, or another one, or
        another process may have taken the store meanwhile. Raises StoreError, ForeignStoreError."""
        if _read_info(self.path).store_id != self.info.store_id:
            raise ForeignStoreError(
                "another store is here now; nothing is written to it",
                where=str(self.path),
                remedy="put the right disk back; what waits is kept and tried again",
            )
        try:
            if self.lock is not None:
                self.lock.retake()
        except ServiceError as error:
            raise StoreError(
                "another process has taken the store meanwhile; nothing is written to it",
                where=str(self.path),
                remedy="stop the other one; what waits is kept and tried again",
            ) from error

    @property
    def store_id(self) -> bytes:
        """The 16 octets of the store id."""
        return bytes.fromhex(self.info.store_id)

    @property
    def journal_dir(self) -> Path:
        return self.path / "journal"

    @property
    def catalogue_dir(self) -> Path:
        return self.path / "catalogue"

    @property
    def audit_dir(self) -> Path:
        return self.path / "audit"

    @property
    def lease_path(self) -> Path:
        return self.path / "lease.json"

    @property
    def table_path(self) -> Path:
        return self.path / "slots.table"

    @property
    def clock_path(self) -> Path:
        return self.path / "clock.json"

    @property
    def run_dir(self) -> Path:
        return self.path / "run"

    @property
    def recorder_lock(self) -> Path:
        return self.path / "recorder.lock"

    @property
    def keeper_lock(self) -> Path:
        return self.path / "keeper.lock"

    @property
    def _recipients_path(self) -> Path:
        return self.path / "keys" / "recipients.json"

    def vouches(self, epoch: int, domain: bytes, octets: bytes, signature: bytes) -> bool:
        """Whether this box's device key of that epoch signed `domain ‖ octets`."""
        return self.info.vouches(epoch, domain, octets, signature)

    def close(self) -> None:
        """Close the ring files."""
        self.ring.close()

    def admit(self, key: PrivateKey) -> None:
        """Refuse a demonstration key on a real store. Raises SecretError."""
        self.info.admit(key, str(self.path))

    def set_recipients(self, recipients: Recipients) -> None:
        """Whom new calls are sealed to from now on; durable on return. Raises StoreError, SecretError."""
        if self.device is None:
            raise SecretError("the device key is needed", where=str(self.path), remedy="run on the box itself")
        _refuse_demo(recipients, self.info.is_demonstration)
        try:
            recipients.save(self._recipients_path, self.info.store_id, self.device)
        except OSError as error:
            raise _cannot_make(self._recipients_path, error) from error
        self.recipients = recipients

    def reload_recipients(self) -> None:
        """Read keys/recipients.json again. Raises StoreError."""
        self.recipients = Recipients.load(self._recipients_path, self.info.store_id, self.info.device_keys)

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        slots: int,
        retention_days: int,
        demonstration: bool,
        device_key_path: Path | None = None,
        recipients: Recipients | None = None,
        created: str = "",
        progress: Callable[[int, int], None] | None = None,
    ) -> Store:
        """Make a store, or finish one whose making was cut off. Raises StoreError, SecretError.

        `progress` is told (octets written, octets in all). A demonstration store without `recipients`
        gets a key of its own, `DIR/demo.key`, with no passphrase.
        """
        if slots < 1:
            raise StoreError("a ring needs at least one slot", where=str(path), remedy="give it a size")
        _refuse_occupied(path)
        _refuse_demo(recipients or Recipients(), demonstration)
        try:
            device = _create_files(path, slots, device_key_path, progress)
            if demonstration and recipients is None:
                (path / DEMO_KEY).unlink(missing_ok=True)  # a leftover of a half-made store
                recipients = Recipients([make_demo_key(path / DEMO_KEY)])
            store_id = secrets.token_bytes(16).hex()
            (recipients or Recipients()).save(path / "keys" / "recipients.json", store_id, device)
            info = StoreInfo(
                version=VERSION,
                store_id=store_id,
                created=created,
                slots=slots,
                slot_size=SLOT_SIZE,
                device_keys=[device.public.hex()],
                demonstration=demonstration,
                retention_days=retention_days,
            ).signed(device)
            replace_file(path / _INFO, msgspec.json.format(msgspec.json.encode(info), indent=2), 0o640)
        except OSError as error:
            raise _cannot_make(path, error) from error
        return cls(path, info, device, writable=True)

    @classmethod
    def open(
        cls, path: Path, *, device_key_path: Path | None = None, need_device: bool = False, any_box: bool = False
    ) -> Store:
        """Open a store; with `need_device` for writing, with `any_box` to verify one that another box may have made.

        Raises StoreError, ForeignStoreError, SecretError.
        """
        info = _read_info(path)
        device = None if any_box else _load_device(device_key_path or path / "keys" / "device.key", need_device)
        if device is not None:
            if device.public.hex() not in info.device_keys:
                raise ForeignStoreError(
                    "the store belongs to another box: its device key is not this one's",
                    where=str(path),
                    remedy="put the right disk in, or make a new store; `verify` reads any store",
                )
            device.epoch = info.device_keys.index(device.public.hex())
        return cls(path, info, device, writable=need_device)


def _read_info(path: Path) -> StoreInfo:
    try:
        octets = (path / _INFO).read_bytes()
    except FileNotFoundError as error:
        half = (path / "ring").is_dir() or (path / "keys").is_dir()
        raise StoreError(
            "the making of this store was cut off" if half else "is not a store",
            where=str(path),
            remedy="start the making again with the same size" if half else "name the store's directory, or make one",
        ) from error
    except OSError as error:
        raise StoreError(
            f"cannot be read ({error.strerror})", where=str(path / _INFO), remedy="check its permissions and the disk"
        ) from error
    try:
        version = msgspec.json.decode(octets, type=_Version).version
        info = msgspec.json.decode(octets, type=StoreInfo) if version == VERSION else None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"is damaged ({error})", where=str(path / _INFO), remedy="restore it from a backup") from error
    if info is None or info.slot_size != SLOT_SIZE:
        raise StoreError(
            f"store of version {version}; this program knows version {VERSION} with slots of {SLOT_SIZE} octets",
            where=str(path),
            remedy="use the program version that made the store",
        )
    return info


class _Version(msgspec.Struct):
    version: int


def _load_device(path: Path, need: bool) -> DeviceKey | None:
    try:
        return DeviceKey.load(path)
    except SecretError:
        if need:
            raise
        return None


def _refuse_occupied(path: Path) -> None:
    try:
        names = {entry.name for entry in path.iterdir()} if path.exists() else set()
    except OSError as error:
        raise _cannot_make(path, error) from error
    if _INFO in names:
        raise StoreError("is a store already", where=str(path), remedy="use it, or name another directory")
    strangers = sorted(n for n in names - _OURS if not n.startswith(".") or not n.endswith(".tmp"))
    strangers = [n for n in strangers if n != "lost+found"]
    if strangers:
        raise StoreError(f"is not empty ({strangers[0]})", where=str(path), remedy="name an empty or a new directory")


def _refuse_demo(recipients: Recipients, demonstration: bool) -> None:
    if not demonstration and any(r.role == "demonstration" for r in recipients.list):
        raise SecretError(
            "a real store seals nothing to a demonstration key", remedy="make keys with `tsuwaroku keys init`"
        )


def _create_files(
    path: Path, slots: int, device_key_path: Path | None, progress: Callable[[int, int], None] | None
) -> DeviceKey:
    """Directories, device key, ring and journal, in this order. What a cut-off making left whole is kept."""
    above = [path.parent, *(one.parent for one in path.parents if not one.exists())]
    path.mkdir(parents=True, exist_ok=True)
    for parent in above:  # a store whose own name is not on the disk is gone with all its calls
        with contextlib.suppress(PermissionError):
            sync_directory(parent)
    for name, mode in _DIRECTORIES.items():
        (path / name).mkdir(mode=mode, exist_ok=True)
    sync_directory(path)
    key_path = device_key_path or path / "keys" / "device.key"
    device = DeviceKey.load(key_path) if key_path.exists() else DeviceKey.create(key_path)
    sizes = file_sizes(slots)
    total, done = sum(sizes) + len(JOURNAL_OWNERS) * JOURNAL_SEGMENT, 0

    def advance(octets: int) -> None:
        nonlocal done
        done += octets
        if progress:
            progress(done, total)

    _refuse_surplus(path / "ring", len(sizes))
    for index, size in enumerate(sizes):
        file, base = path / "ring" / ring_name(index), index * SLOTS_PER_FILE
        if _is_whole(file, size):
            _refuse_calls(file, size)
            advance(size)
        else:
            create_filled(file, size, lambda at, base=base: free_block(base + at // SLOT_SIZE, 0), advance)  # type: ignore[misc]
    for owner in JOURNAL_OWNERS:
        file = path / "journal" / f"{owner}-00000.dat"
        if _is_whole(file, JOURNAL_SEGMENT):
            advance(JOURNAL_SEGMENT)
        else:
            create_filled(file, JOURNAL_SEGMENT, None, advance)
    return device


def _is_whole(file: Path, size: int) -> bool:
    if not file.exists():
        return False
    if file.stat().st_size != size:
        raise StoreError(
            "is left over from making a store of another size",
            where=str(file),
            remedy="give the size of then, or remove the half-made store",
        )
    return True


def _refuse_calls(file: Path, size: int) -> None:
    """A directory that lost its store.json may hold calls; they are not ours to lose."""
    with file.open("rb") as stream:
        for at in range(0, size, SLOT_SIZE):
            stream.seek(at)
            if stream.read(len(MAGIC_USED)) == MAGIC_USED:
                raise StoreError(
                    "holds calls of a store that has lost its store.json",
                    where=str(file),
                    remedy="restore store.json, or name another directory",
                )


def _refuse_surplus(ring: Path, files: int) -> None:
    surplus = ring / ring_name(files)
    if surplus.exists():
        raise StoreError(
            "is left over from making a larger store",
            where=str(surplus),
            remedy="give the size of then, or remove the half-made store",
        )


def _cannot_make(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be written ({error.strerror or error})",
        where=str(error.filename or path),
        remedy="check permissions and free space, then start again: what was made is kept",
    )
