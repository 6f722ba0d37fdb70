"""What a rule forbids is refused, and the attempt is in the audit log: by whom, what, and in a word or two why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError, TsuwarokuError
from tsuwaroku.records.request import LONGEST_NAME, writable
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.holding import LONGEST_REASON
from tsuwaroku.service.refusals import NO_RIGHT

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper


BAD_INPUT = "bad input"
Why = str | Callable[[TsuwarokuError], str]
"""In a word or two, and nothing personal; or made of the error."""


@contextmanager
def attempt(keeper: Keeper, by: Asker, verb: Verb, subject: str, why: Why) -> Iterator[None]:
    """Around the rules of an act: what they refuse is noted as refused because of `why`."""
    try:
        yield
    except (RefusedError, NotFoundError) as error:
        keeper.refused(by, verb, subject, why if isinstance(why, str) else why(error))
        raise


def right_or_input(error: TsuwarokuError) -> str:
    """Whether somebody had no right, or asked for what a rule forbids."""
    return NO_RIGHT if isinstance(error, ForbiddenError) else BAD_INPUT


def refuse_words(reason: str, name: str, *, needed: bool) -> None:
    """Raises RefusedError for a reason that is missing where it is needed, too long, or that no paper can show; and for
    such a name."""
    if (needed and not reason.strip()) or len(reason) > LONGEST_REASON:
        raise RefusedError(
            f"a reason is needed, of at most {LONGEST_REASON} letters", where="--reason", remedy="say why in a sentence"
        )
    if len(name) > LONGEST_NAME:
        raise RefusedError(
            f"the text is longer than {LONGEST_NAME} letters", where="--by", remedy="write the name alone"
        )
    for text, where in ((reason, "--reason"), (name, "--by")):
        if not writable(text):
            raise RefusedError(
                "there is a sign in it that no paper can show",
                where=where,
                remedy="write it anew; a letter made in house (外字) by the nearest common one",
            )
