"""SIGKILL of recorder, keeper or both, at random moments of calls, in the real processes."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.crash.box import Box, Findings, make_day
from tsuwaroku.service import supervisor

BOXES = 4  # six starting at once leave two cores no time to commit: a machine too slow, not a call lost
USUAL = (100, 1, 200.0)  # kills, seed, seconds at the most
LONG = [(500, seed, 700.0) for seed in (2, 3)]
KILLS = sum(kills for kills, _, _ in (USUAL, *LONG))  # of a nightly run


def kill_at_random(folder: Path, kills: int, boxes: int, limit_s: float, seed: int) -> list[float]:
    """Boxes side by side until so many kills are done, then one more call in each; the losses in seconds."""
    day = make_day(folder, limit_s)
    slots = 60 + 4 * kills // boxes + round(limit_s / 4)
    fleet = [Box(folder / str(n), day, random.Random(seed * 1000 + n), slots) for n in range(boxes)]
    try:
        for box in fleet:
            box.start()
        while sum(sum(box.kills.values()) for box in fleet) < kills:
            for box in fleet:
                box.step()
            assert fleet[0].now_s() < limit_s - 20, "too slow for the script"
            time.sleep(0.02)
        for box in fleet:
            box.settle()
        until = fleet[-1].now_s() + 13.5  # the longest call, with what lies before and after it
        while fleet[-1].now_s() < until:
            for box in fleet:
                box.pair.poll()
            time.sleep(0.05)
    finally:
        for box in fleet:
            box.pair.stop() if box.stopped_s else box.stop()
    losses = []
    for box in fleet:
        findings = Findings(box)
        findings.check()
        losses += findings.losses
        last = box.downs[-1].end_s
        assert [c for c in findings.calls if c.integrity == "sealed" and (c.audio.first_sample or 0) / 8000 > last - 2]
    in_calls = sum(box.in_calls for box in fleet)
    recorder, keeper = (sum(box.kills[role] for box in fleet) for role in ("recorder", "keeper"))
    print(f"\n{recorder} kills of the recorder ({in_calls} in calls), {keeper} of the keeper; ", end="")
    print(f"{len(losses)} calls recovered, at most {max(losses):.2f} s before the kill")
    assert recorder >= kills // 3
    assert in_calls == recorder
    assert len(losses) >= recorder // 3
    return losses


@pytest.mark.xdist_group("clock")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kills", "seed", "limit_s"),
    [
        pytest.param(*USUAL, marks=pytest.mark.slow),
        *(pytest.param(*long, marks=pytest.mark.nightly) for long in LONG),
    ],
)
def test_a_kill_costs_at_most_a_second_and_a_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int, seed: int, limit_s: float
) -> None:
    monkeypatch.setattr(supervisor, "RESTART_S", 0.05)
    monkeypatch.setattr(supervisor, "RESTART_MAX_S", 0.1)
    kill_at_random(tmp_path, kills, BOXES, limit_s, seed)
