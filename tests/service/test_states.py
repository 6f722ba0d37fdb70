"""Every row of the call-state table through the whole recorder, against what really happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.states import ROWS, Truth, write
from tests.service.support import START, demo_key, play
from tsuwaroku.clock import NS, from_iso
from tsuwaroku.config import Config, LineConfig, LineNotice, NoticeDecision, NoticeKind
from tsuwaroku.records.call import CallRecord
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import scan_slots

# Nothing is played: while we play, keys and numbers of the line are not listened to.
QUIET = Config(
    line=(
        LineConfig(
            id="1",
            notice=LineNotice(
                inbound=NoticeDecision(kind=NoticeKind.EXEMPT, exempt_item=4, basis="test"),
                outbound=NoticeDecision(kind=NoticeKind.EXEMPT, exempt_item=4, basis="test"),
            ),
        ),
    )
)
# The hook is stuck on-hook, so nothing but the ringing is seen (test_sensors.py).
SENSOR_WRONG = {"sensor_on_hook"}
# Single breaks of a pulse's length are digits to us: 1 and 1.
BREAKS_ARE_PULSES = {"answered_pulse": "11"}
INFERRED_WITHIN_NS = round(0.6 * NS)  # speech of 0.3 s, in blocks of 0.2 s


def stream_ns(text: str | None) -> int | None:
    return None if text is None else from_iso(text) - START


@pytest.mark.parametrize("name", [name for name in ROWS if name not in SENSOR_WRONG])
def test_a_row_of_the_table(tmp_path: Path, name: str) -> None:
    scenario = write(tmp_path, name)
    calls = play(scenario.script, tmp_path / "store", config=QUIET)
    assert len(calls) == len(scenario.truth)
    for call, truth in zip(calls, scenario.truth, strict=True):
        check_numbers(call, truth, BREAKS_ARE_PULSES.get(name, truth.in_call))
        check_course(call, truth)


def check_numbers(call: CallRecord, truth: Truth, in_call: str) -> None:
    # A call inside the house is not known from one to the outside, for both begin alike.
    assert call.direction.value == truth.direction.replace("internal", "outbound")
    absence = "unreadable" if truth.unreadable else truth.absence
    if truth.direction == "inbound" and not (truth.number or absence):
        absence = "not_offered"
    assert (call.caller.number, call.caller.absence) == (truth.number, absence)
    assert (call.caller.name, call.called) == (truth.name, truth.called)
    assert (call.dialled or "").replace(",", "") == truth.dialled
    near = "".join(one.keys for one in call.in_call_digits if one.by == "near")
    others = "".join(one.keys for one in call.in_call_digits if one.by != "near")
    if call.waiting_callers:
        others = others.replace("D", "")  # the telephone's own answer to the alerting tone
    assert (near, others) == (in_call, truth.far)


def check_course(call: CallRecord, truth: Truth) -> None:
    assert call.outcome.value == truth.outcome
    assert abs((stream_ns(call.seized_at) or 0) - truth.seized_ns) <= NS // 1000
    answered_ns, ended_ns = stream_ns(call.answered_at), stream_ns(call.ended_at)
    assert (answered_ns is None) == (truth.answered_ns is None)
    if answered_ns is not None and truth.answered_ns is not None:
        late = answered_ns - truth.answered_ns
        assert call.answer_inferred == (truth.direction != "inbound")
        assert -NS // 1000 <= late <= (INFERRED_WITHIN_NS if call.answer_inferred else NS // 1000)
    assert ended_ns is not None
    if call.ended_by == "tone":
        assert ended_ns < truth.ended_ns  # the exchange's tone says so before anybody hangs up
    else:
        assert (call.ended_by, truth.ended_by) == ("hook", "hook")
        assert abs(ended_ns - truth.ended_ns) <= 10 * NS // 1000  # a bounce
    begin_ns = answered_ns or truth.seized_ns
    flashes = [begin_ns + round(at * NS) for at in call.flashes if at >= 0 and truth.answered_ns is not None]
    assert [round(at / NS, 1) for at in flashes] == [round(at / NS, 1) for at in truth.flashes]
    # A flash before the answer is a new attempt, and the truth counts those after it only.
    assert len(call.flashes) - len(flashes) == (call.dialled or "").count(",")


def test_the_whole_frame_is_in_the_calls_own_stream(tmp_path: Path) -> None:
    for name, crc_ok in (("primary_called", True), ("primary_unreadable", False), ("ringing_missed_number", True)):
        scenario = write(tmp_path, name)
        (call,) = play(scenario.script, tmp_path / name, config=QUIET)
        store = Store.open(tmp_path / name)
        try:
            (stored,) = scan_slots(store)
            reader = CallReader(stored, store, demo_key(tmp_path / name))
            told = [event.data for event in reader.events() if event.kind == "caller_id"]
            assert [(one["raw"], one["crc_ok"], one["standard"]) for one in told] == [
                (scenario.truth[0].sent.hex(), crc_ok, "jclip")
            ]
            assert call.id == stored.id
        finally:
            store.close()


def test_a_waiting_call_has_its_number_beside_the_call(tmp_path: Path) -> None:
    (call,) = play(write(tmp_path, "answered_waiting").script, tmp_path / "store", config=QUIET)
    assert [one.number for one in call.waiting_callers] == ["0612345678"]
    assert call.caller.number is None


def test_keys_of_the_far_end_are_known_by_their_level(tmp_path: Path) -> None:
    script = tmp_path / "far.toml"
    script.write_text(
        '[[call]]\nline = "1"\nat = 1.0\ndirection = "outbound"\ndial = "0312345678"\ntalk = 12.0\n'
        'keys = [[3.0, "12"]]\nfar_dtmf = [[6.0, "34"]]\n',
        encoding="utf-8",
    )
    (call,) = play(script, tmp_path / "store", config=QUIET)
    assert [(one.keys, one.by) for one in call.in_call_digits] == [("12", "near"), ("34", "far")]
    assert [round(one.at_s, 1) for one in call.in_call_digits] == [2.7, 5.7]


@pytest.mark.parametrize("name", ["idle_off_hook", "dialling_pulse10", "dialling_redial"])
def test_a_known_number_is_told_and_an_emergency_number_never(tmp_path: Path, name: str) -> None:
    scenario = write(tmp_path, name)
    (call,) = play(scenario.script, tmp_path / "store")
    assert (call.notice.outcome, call.notice.reason) == ("announced", None)
    text = scenario.script.read_text(encoding="utf-8").replace("0312345678", "0119")
    scenario.script.write_text(text, encoding="utf-8")
    (call,) = play(scenario.script, tmp_path / "119")
    assert (call.dialled or "").endswith("0119")
    assert (call.notice.outcome, call.notice.reason) == ("failed", "emergency_number")


def test_digits_in_a_talk_that_make_an_emergency_number_stop_the_notice(tmp_path: Path) -> None:
    """Somebody dials so slowly that an answer is inferred in the middle of it."""
    script = tmp_path / "slow.toml"
    script.write_text(
        '[[call]]\nline = "1"\nat = 1.0\ndirection = "outbound"\ndial = "03"\nrings = 0\ntalk = 20.0\n'
        'keys = [[1.0, "119"]]\n',
        encoding="utf-8",
    )
    (call,) = play(script, tmp_path / "store")
    assert (call.notice.outcome, call.notice.reason) == ("failed", "emergency_number")
    assert call.notice.at_s is None


def test_a_number_that_is_not_complete_for_certain_is_not_told(tmp_path: Path) -> None:
    script = tmp_path / "begun.toml"
    script.write_text(
        '[[call]]\nline = "1"\nat = 1.0\ndirection = "outbound"\ndial = "011"\nrings = 0\ntalk = 12.0\n',
        encoding="utf-8",
    )
    (call,) = play(script, tmp_path / "store")
    assert (call.dialled, call.notice.outcome, call.notice.reason) == ("011", "failed", "number_unknown")


def test_the_lamp_tells_the_truth_in_a_primary_answer(tmp_path: Path) -> None:
    """It is captured like a call: the lamp is lit from the edge on, and no alarm stands."""
    scenario = write(tmp_path, "ringing_missed_number")
    (call,) = play(scenario.script, tmp_path / "store", config=QUIET)
    (truth,) = scenario.truth
    assert truth.primary_ns is not None
    assert call.audio.first_sample is not None
    assert call.audio.first_sample / 8000 <= truth.primary_ns[0] / NS - 1.9
    assert (call.audio.first_sample + call.audio.samples) / 8000 >= truth.ended_ns / NS
    assert (call.audio.gaps, call.duration_s, call.notice.outcome) == ([], 0.0, None)
    closed_s = truth.primary_ns[0] / NS
    assert call.ring_s == pytest.approx(truth.ended_ns / NS - truth.seized_ns / NS, abs=0.02)
    assert closed_s > truth.seized_ns / NS
