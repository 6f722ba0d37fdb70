"""The boards under the contract, each with hands that play one scenario on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.contract.rigs import RIGS, Rig

SLOW = {"pipewire": pytest.mark.slow}


@pytest.fixture(scope="session", params=[pytest.param(name, marks=SLOW.get(name, ())) for name in RIGS])
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Each board in turn; one that this machine cannot have is skipped with the reason."""
    made = RIGS[request.param](tmp_path_factory.mktemp(request.param))
    missing = made.missing()
    if missing:
        pytest.skip(f"{request.param}: {missing}")
    with made:
        yield made
