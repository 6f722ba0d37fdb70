"""The Japanese of every text that errors, findings and alarms carry: English template -> Japanese template.

`{}` stands for what the text was filled with, `{0}`, `{1}` … for the same in Japanese, in whatever order it needs.
Loaded by `translate` alone, and only when a Japanese console has such a text to show.
"""

from __future__ import annotations

from typing import Final

from tsuwaroku.console.messages_ja.board import BOARD
from tsuwaroku.console.messages_ja.config import CONFIG
from tsuwaroku.console.messages_ja.custody import CUSTODY
from tsuwaroku.console.messages_ja.drives import DRIVES
from tsuwaroku.console.messages_ja.finding import FINDING
from tsuwaroku.console.messages_ja.hearing import HEARING
from tsuwaroku.console.messages_ja.keys import KEYS
from tsuwaroku.console.messages_ja.medium import MEDIUM
from tsuwaroku.console.messages_ja.package import PACKAGE
from tsuwaroku.console.messages_ja.papers import PAPERS
from tsuwaroku.console.messages_ja.requesting import REQUESTING
from tsuwaroku.console.messages_ja.requests import REQUESTS
from tsuwaroku.console.messages_ja.script import SCRIPT
from tsuwaroku.console.messages_ja.service import SERVICE
from tsuwaroku.console.messages_ja.staff import STAFF
from tsuwaroku.console.messages_ja.store import STORE
from tsuwaroku.console.messages_ja.verify import VERIFY
from tsuwaroku.console.messages_ja.words import FOREIGN, PLACES, WORDS

__all__ = ["FOREIGN", "MESSAGES", "PLACES", "THEMES", "WORDS"]

THEMES: Final[tuple[dict[str, str], ...]] = (
    CONFIG,
    SCRIPT,
    FINDING,
    BOARD,
    SERVICE,
    KEYS,
    STORE,
    VERIFY,
    MEDIUM,
    REQUESTS,
    REQUESTING,
    DRIVES,
    PACKAGE,
    STAFF,
    PAPERS,
    CUSTODY,
    HEARING,
)
MESSAGES: Final[dict[str, str]] = {english: ja for theme in THEMES for english, ja in theme.items()}
