"""The scripts of the call-state table: each says what its row is about, in contacts and sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.scenarios.states import ROWS, Row, write
from tsuwaroku.clock import NS
from tsuwaroku.events import Contact, ContactEdge
from tsuwaroku.exchange.script import load_script

STATES = {"IDLE", "CAR", "PRIMARY", "WAIT_RING", "RINGING", "DIALLING", "ANSWERED", "FLASHED", "END", "SENSORS"}


def test_every_row_of_the_table_has_scripts() -> None:
    assert {row.state for row in ROWS.values()} == STATES
    outcomes = {row.outcome for row in ROWS.values()}
    assert outcomes == {"answered", "missed", "busy", "no_answer", "abandoned"}
    assert {row.ended_by for row in ROWS.values()} == {"hook", "tone", "sound"}


@pytest.mark.parametrize("name", ROWS)
def test_a_script_is_what_its_truth_says(tmp_path: Path, name: str) -> None:
    row, scenario = ROWS[name], write(tmp_path, name)
    script = load_script(scenario.script)
    assert (script.notes, script.lines, len(scenario.truth)) == ((), ("1",), 1)
    (truth,) = scenario.truth
    assert (truth.answered_ns is None) == (row.outcome != "answered")
    assert truth.seized_ns < (truth.answered_ns or truth.ended_ns) <= truth.ended_ns
    source = script.sources()[0]
    edges = [event for event in source.events(0, 10**12) if isinstance(event, ContactEdge)]
    hooks = [edge for edge in edges if edge.contact is Contact.HOOK]
    assert bool([edge for edge in edges if edge.contact is Contact.RING]) == (not _placed(row))
    never_lifted = row.outcome == "missed" and truth.primary_ns is None
    wanted = {"hook": None if never_lifted else False, "tone": True, "sound": None}[row.ended_by]
    assert (hooks[-1].active if hooks else None) is wanted
    pcm = np.frombuffer(source.read(0, (truth.ended_ns // NS + 1) * 8000) or b"", dtype="<i2")
    assert (pcm.size, bool(pcm.any())) == ((truth.ended_ns // NS + 1) * 8000, True)


def _placed(row: Row) -> bool:
    return row.direction == "outbound" or any(key.startswith("dial =") for key in row.keys)


def test_numbers_are_told_only_where_they_were_sent_whole(tmp_path: Path) -> None:
    truths = {name: write(tmp_path, name).truth[0] for name in ROWS}
    sent = {name for name, truth in truths.items() if truth.sent}
    assert sent == {name for name in ROWS if any("caller_id =" in key for key in ROWS[name].keys)} - {
        *("car_no_primary", "car_no_primary_missed", "primary_no_data"),
    } | {"answered_waiting"}
    told = {name for name, truth in truths.items() if truth.number or truth.absence}
    assert sent - told == {"primary_unreadable", "mdmf_unreadable", "answered_waiting"}
    assert {name for name, truth in truths.items() if truth.unreadable} == {"primary_unreadable", "mdmf_unreadable"}
    assert {truth.absence for truth in truths.values()} == {
        *("withheld", "payphone", "unavailable", "service_conflict", None),
    }
    assert {truth.dialled for truth in truths.values()} == {
        "",
        "0312345678",
        "0312",
        "03990312345678",
        "00312345678",
        "5678",
    }
    assert {truth.in_call for truth in truths.values()} == {"", "12#", "5678", "56"}
    assert {truth.far for truth in truths.values()} == {"", "1234#", "42"}
    assert {len(truth.flashes) for truth in truths.values()} == {0, 1, 2}
