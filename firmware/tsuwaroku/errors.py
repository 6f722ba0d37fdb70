"""Every error a person can meet: a class, an exit code, a place and a remedy.

Foreign errors (OSError, ALSA's, libsodium's) are translated at the boundary where they
arise. What reaches the console as anything else is a bug and exits with 1.
"""

from __future__ import annotations


class TsuwarokuError(Exception):
    """Base of all errors shown to people.

    `message` says what is wrong, `where` names the place (a file, a key, a line of a script),
    `remedy` what to do about it. `exit_code` is part of the command line's contract.
    """

    exit_code = 1

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class ConfigError(TsuwarokuError):
    """The configuration is not valid, or contradicts itself."""

    exit_code = 3


class ScriptError(TsuwarokuError):
    """A call script, or a sound file it names, is not valid."""

    exit_code = 4


class BoardError(TsuwarokuError):
    """A sound card, contact, lamp or button that the configuration names is missing or refuses."""

    exit_code = 5


class StoreError(TsuwarokuError):
    """The store is missing, unreadable or of another version."""

    exit_code = 6


class ForeignStoreError(StoreError):
    """The store belongs to another box: its device key is not ours."""

    exit_code = 7


class RingError(StoreError):
    """The ring is smaller than the guarantee needs, or full."""

    exit_code = 8


class SecretError(TsuwarokuError):
    """A passphrase or key is wrong, missing, or refused (a demonstration key on a real store)."""

    exit_code = 9


class DamageError(TsuwarokuError):
    """`verify` found damage, or a call cannot be read whole."""

    exit_code = 10


class NotFoundError(TsuwarokuError):
    """No call, line or file answers to the name given."""

    exit_code = 11


class ServiceError(TsuwarokuError):
    """The service does not run, does not answer, or already runs on this store."""

    exit_code = 12


class RefusedError(TsuwarokuError):
    """A rule of the ordinance or of this box forbids the act."""

    exit_code = 13


class ForbiddenError(RefusedError):
    """Whoever asks has no right to."""

    exit_code = 15


class MediumError(TsuwarokuError):
    """A medium for copies is full, write-protected, pulled out, or does not keep what is written to it."""

    exit_code = 14
