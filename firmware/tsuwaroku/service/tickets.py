"""What somebody was given for a while: a word nobody can guess, good for one account, until it is not used for some
minutes. In memory: a keeper that starts again knows none."""

from __future__ import annotations

import secrets
from typing import Generic, TypeVar

from tsuwaroku.clock import NS
from tsuwaroku.errors import NotFoundError, RefusedError

LAPSE_NS = 300 * NS
MOST = 32
"""Of one account at once. A person listens to one call; more are a client that forgets to end them."""
T = TypeVar("T")


class _Given(Generic[T]):
    def __init__(self, user: str, what: T, used_ns: int) -> None:
        self.user = user
        self.what = what
        self.used_ns = used_ns


class Tickets(Generic[T]):
    """Times are monotonic ns, as whoever asks gives them."""

    def __init__(self) -> None:
        self._given: dict[str, _Given[T]] = {}

    def issue(self, user: str, what: T, now_ns: int) -> str:
        """A new ticket. Raises RefusedError where this account has too many."""
        if sum(one.user == user for one in self._given.values()) >= MOST:
            raise RefusedError(
                f"this account has {MOST} lists and calls open at once",
                where=user,
                remedy="end some; what is not used for five minutes ends by itself",
            )
        ticket = secrets.token_urlsafe(16)
        self._given[ticket] = _Given(user, what, now_ns)
        return ticket

    def of(self, ticket: str, user: str, now_ns: int) -> T:
        """What it was given for; it is good for some minutes more. Raises NotFoundError, for another account, too."""
        one = self._given.get(ticket)
        if one is None or one.user != user:
            raise NotFoundError(
                "this was ended, or the service has started again since",
                remedy="ask for the call again; what was heard up to now is written down",
            )
        one.used_ns = now_ns
        return one.what

    def end(self, ticket: str) -> None:
        """It is good for nothing any more."""
        self._given.pop(ticket, None)

    def lapsed(self, now_ns: int) -> list[tuple[str, str, T]]:
        """Ticket, account and content of each that was not used for too long. They are ended by `end`."""
        return [
            (ticket, one.user, one.what)
            for ticket, one in self._given.items()
            if not 0 <= now_ns - one.used_ns <= LAPSE_NS
        ]

    def all(self) -> list[tuple[str, str, T]]:
        """The same of all there are."""
        return [(ticket, one.user, one.what) for ticket, one in self._given.items()]
