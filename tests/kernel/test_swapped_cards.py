"""Two cards whose numbers are swapped between two boots of one box: lines follow names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.kernel.box import Box
from tests.kernel.compare import Take, columns, differences
from tests.kernel.guest import PYTHON, SHARE, Guest, Machine
from tests.kernel.plugin import need_kernel
from tests.kernel.twocards import ANNEX, CALLS, CHANNELS, OWN, Told, config, script, wiring
from tsuwaroku.clock import NS, from_iso

BOOT_LIMIT_S = 200.0  # 17 were seen where others had the processors
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * BOOT_LIMIT_S + 60)]

BOOTED_NS = int(datetime(2026, 11, 24, 1, 0, tzinfo=UTC).timestamp()) * NS
HOUR_NS = 3600 * NS


def test_lines_follow_the_names_of_their_cards(tmp_path: Path) -> None:
    kernel = need_kernel()
    share = tmp_path / "share"
    part = script(tmp_path, CALLS)
    simulated = part.calls(tmp_path / "simulated")
    boots = {"first": ("tsuwa2", "annex"), "second": ("annex", "tsuwa2")}
    for number, (name, cards) in enumerate(boots.items()):
        machine = Machine(cards=cards, start_ns=BOOTED_NS + number * HOUR_NS)
        job = [str(PYTHON), "-m", "tests.kernel.twocards", str(SHARE), name]
        ended = Guest(kernel, machine, share).run(job, BOOT_LIMIT_S, fresh=number == 0)
        assert ended.status == 0, ended.say()
    told = {name: msgspec.json.decode((share / f"{name}.json").read_bytes(), type=Told) for name in boots}
    assert {name: tuple(one.cards) for name, one in told.items()} == boots
    box = Box(share / "store", config())
    calls, runs = box.calls(), box.runs()
    assert len(calls) == len(boots) * len(CALLS)
    for name, boot in told.items():
        for card, lines in (("tsuwa2", OWN), ("annex", ANNEX)):
            origin_ns = boot.origin_ns[card]
            channels = {line: wires.channel for line, wires in wiring(lines).items()}
            own = replace(part, lines={line: line for line in lines if line in part.lines})
            there = [call for call in calls if call.line in lines and own.covers(call, origin_ns)]
            take = Take(there, runs, columns(share / f"{name}-{card}", channels, CHANNELS[card]), origin_ns)
            wanted = [call for call in simulated if call.line in own.lines]
            assert differences([(own, wanted)], take) == []
            assert {call.clock.boot_id for call in there} == {there[0].clock.boot_id}
    report = box.verify()
    assert (report.ok, report.problems) == (True, [])
    assert [from_iso(call.seized_at) // HOUR_NS - BOOTED_NS // HOUR_NS for call in calls] == [0] * 4 + [1] * 4
