"""Opening old calls and old words to a new key, on the machine of whoever has a key that opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tsuwaroku.errors import SecretError
from tsuwaroku.service.rewrapping import MOST, LackingCall, Rewrapped
from tsuwaroku.store.acts import opened_words, sealed_again
from tsuwaroku.store.catalogue import ulid_octets
from tsuwaroku.store.keys import key_id
from tsuwaroku.store.seal import open_wrapped

if TYPE_CHECKING:
    from tsuwaroku.console.staffclient import StaffClient
    from tsuwaroku.store.keys import PrivateKey, Recipient

T = TypeVar("T")
Progress = Callable[[int, int], None]


class Outcome(msgspec.Struct, frozen=True):
    """`done`: opened to the new key; `left`: the key in use does not open them; `sent`: somebody has sent something for
    the new key before, and whether that opens, the keeper cannot know."""

    done: int
    left: int
    sent: int = 0


def rewrap_calls(
    keeper: StaffClient, private: PrivateKey, key: str, report: Progress | None = None, *, again: bool = False
) -> Outcome:
    """Every call that the recipient `key` may hear and cannot open; with `again` those as well for which something was
    sent before. Cut off, it goes on where it was. Raises as the client does."""
    days = keeper.lacking(key).days
    done = left = sent = 0
    for count, day in enumerate(days):
        seen = keeper.lacking(key, day, again=again)
        sent += seen.sent
        _refuse_other(seen.recipient, key)
        for batch in _batches(seen.calls):
            wraps = [one for call in batch if (one := _wrapped(call, private, seen.recipient)) is not None]
            left += len(batch) - len(wraps)
            done += keeper.rewrap(key, wraps) if wraps else 0
        if report is not None:
            report(count + 1, len(days))
    return Outcome(done, left, sent)


def reseal_words(keeper: StaffClient, private: PrivateKey, key: str) -> Outcome:
    """The words of every act that the recipient cannot open. Raises as the client does."""
    entries = keeper.words_lacking(key).entries
    wanted = {entry.number for entry in entries if entry.verb != "words sealed again"}
    words = [one for one in opened_words(entries, private) if one.number in wanted]
    done = sum(keeper.reseal(key, batch) for batch in _batches(words))
    return Outcome(done, len(wanted) - len(words))


def reseal_log(keeper: StaffClient, private: PrivateKey, key: str, report: Progress | None = None) -> Outcome:
    """The words of all other entries: why somebody listened, held a call, confirmed the clock. Day by day; cut off, it
    goes on where it was. Raises as the client does."""
    again = sealed_again(keeper.words_lacking(key).entries, private)
    days = keeper.log_words(key).days
    done = left = 0
    for count, day in enumerate(days):
        entries = keeper.log_words(key, day).entries
        words = opened_words(entries, private, again)
        done += sum(keeper.reseal(key, batch, day) for batch in _batches(words))
        left += len(entries) - len(words)
        if report is not None:
            report(count + 1, len(days))
    return Outcome(done, left)


def _batches(found: Sequence[T]) -> Iterator[Sequence[T]]:
    return (found[at : at + MOST] for at in range(0, len(found), MOST))


def _wrapped(call: LackingCall, private: PrivateKey, recipient: Recipient) -> Rewrapped | None:
    call_id = ulid_octets(call.id)
    try:
        opened = open_wrapped(call.wraps, private, call_id)
    except SecretError:
        return None
    sealed = opened.wrap(recipient, call_id).sealed
    opened.forget()
    return Rewrapped(call.id, sealed)


def _refuse_other(recipient: Recipient, key: str) -> None:
    """The keeper is not believed about whose key it is: ids are digests of keys."""
    if recipient.id != key or key_id(bytes.fromhex(recipient.public_key)).hex() != key:
        raise SecretError(
            "the service named another key", where=recipient.id, remedy="run `tsuwaroku verify`, and tell the maker"
        )
