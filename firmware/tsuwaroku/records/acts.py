"""Acts of records management: what people did, as the audit log has it. Every ledger is a fold of these.

An act says in the clear what the box itself has to know to keep the rules (numbers of requests, ids of calls and media,
accounts, days). Whatever names a citizen, a clerk or a reason is in its sealed words.
"""

from __future__ import annotations

import enum
from typing import Any

import msgspec


class ActVerb(enum.StrEnum):
    """The verbs of the audit log that ledgers are made of."""

    APPOINTED = "appointed"
    DISMISSED = "dismissed"
    APPOINTMENT_ENDED = "appointment ended"
    MANAGER_SUCCEEDED = "manager succeeded"
    WORDS_RESEALED = "words sealed again"
    CALLS_REWRAPPED = "calls wrapped again"
    REQUEST_SUBMITTED = "request submitted"
    REQUEST_APPROVED = "request approved"
    REQUEST_REFUSED = "request refused"
    REQUEST_WITHDRAWN = "request withdrawn"
    QUEUE_PASSED = "mark passed"
    MEDIUM_REGISTERED = "medium registered"
    COPY_BEGUN = "copy begun"
    COPY_MADE = "copy made"
    COPY_FAILED = "copy failed"
    MEDIUM_HANDED_OVER = "medium handed over"
    RECOPY_APPROVED = "recopy approved"
    MEDIUM_RETURNED = "medium returned"
    MEDIUM_WIPED = "medium wiped"
    MEDIUM_DESTROYED = "medium destroyed"
    MEDIUM_LOST = "medium lost"
    DISCLOSURE_OPENED = "disclosure opened"
    DISCLOSURE_DECIDED = "disclosure decided"
    DISCLOSURE_CARRIED_OUT = "disclosure carried out"
    NOTICE_PUBLISHED = "notice published"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One act. `number`: of its audit entry; `at`: ISO 8601; `actor`: the account that did it, as the kernel named it.

    `words`: None where they are sealed to somebody else or have been erased; empty where there never were any.
    """

    number: int
    at: str
    actor: str
    verb: ActVerb
    subject: str
    detail: dict[str, Any]
    words: dict[str, Any] | None = None
