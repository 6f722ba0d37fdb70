"""Passphrases are stretched for a second each; what does not look at that need not wait for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.disclosure import copies
from tsuwaroku.disclosure import page, sevenzip


@pytest.fixture(scope="session", autouse=True)
def _cheap_stretching() -> Iterator[None]:
    assert copies.STRENGTH == (page.ROUNDS, sevenzip.CYCLES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "ROUNDS", 1000)
        patch.setattr(sevenzip, "CYCLES", 14)
        yield


@pytest.fixture
def full_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is shipped."""
    rounds, cycles = copies.STRENGTH
    monkeypatch.setattr(page, "ROUNDS", rounds)
    monkeypatch.setattr(sevenzip, "CYCLES", cycles)
