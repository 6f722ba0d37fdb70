"""A call script for each row of the call-state table (facts), and what really happened in each.

    scenario = write(tmp_path, "primary_number")
    scenario.script      the script
    scenario.truth       its calls, in order of time

The truth is the exchange's own: its plan and timeline, never what a recorder makes of them. Numbers are nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tsuwaroku.events import ContactEdge
from tsuwaroku.exchange.script import load_script
from tsuwaroku.exchange.timeline import Timeline

JCLIP = 'caller_id = { standard = "jclip", number = "0312345678" }'


@dataclass(frozen=True, slots=True)
class Row:
    """`state`: the row of the table. `outcome`: answered, missed, abandoned, busy or no_answer.

    `ended_by`: hook; tone or sound where the hook sensor does not say it. `keys` are all a script's [[call]] has beside
    its line, time and direction; `line` those of its [[line]].
    """

    state: str
    keys: tuple[str, ...]
    direction: str = "inbound"
    outcome: str = "answered"
    ended_by: str = "hook"
    line: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Truth:
    """What happened. `dialled` up to the answer, everything sent for an outside line or anew after a flash included;
    `in_call` by this end after it, `far` by the other. `unreadable`: sent, and broken on the way."""

    direction: str
    outcome: str
    ended_by: str
    seized_ns: int
    answered_ns: int | None
    ended_ns: int
    number: str | None = None
    absence: str | None = None
    called: str | None = None
    name: str | None = None
    unreadable: bool = False
    sent: bytes = b""
    primary_ns: tuple[int, int] | None = None
    dialled: str = ""
    in_call: str = ""
    far: str = ""
    flashes: tuple[int, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class StateScenario:
    script: Path
    truth: list[Truth]


def _caller(text: str, *more: str) -> tuple[str, ...]:
    return (f"caller_id = {{ {text} }}", "talk = 8.0", *more)


def _dials(*more: str) -> tuple[str, ...]:
    return ('dial = "0312345678"', "talk = 10.0", *more)


ROWS: dict[str, Row] = {
    # IDLE. A polarity reversal has no contact.
    "idle_ring": Row("IDLE", ("talk = 8.0",)),
    "idle_off_hook": Row("IDLE", _dials(), "outbound"),
    # CAR
    "car_primary": Row("CAR", (JCLIP, "talk = 8.0")),
    "car_one": Row("CAR", _caller('standard = "jclip", number = "0312345678", cars = 1')),
    "car_is_a_ring": Row("CAR", ("rings = 3", "talk = 8.0")),
    "car_no_primary": Row("CAR", _caller('standard = "jclip", number = "0312345678", primary = false')),
    "car_no_primary_missed": Row(
        "CAR",
        ('caller_id = { standard = "jclip", number = "0312345678", primary = false }', "answer = false"),
        outcome="missed",
    ),
    # PRIMARY
    "primary_called": Row("PRIMARY", _caller('standard = "jclip", number = "09012345678", called = "5678"')),
    "primary_name": Row("PRIMARY", _caller('standard = "jclip", number = "0312345678", name = "SHIMIN"')),
    "primary_withheld": Row("PRIMARY", _caller('standard = "jclip", absence = "withheld"')),
    "primary_stuffed": Row("PRIMARY", _caller('standard = "jclip", absence = "withheld", called = "05012345678"')),
    "primary_payphone": Row("PRIMARY", _caller('standard = "jclip", absence = "payphone"')),
    "primary_unavailable": Row("PRIMARY", _caller('standard = "jclip", absence = "unavailable"')),
    "primary_conflict": Row("PRIMARY", _caller('standard = "jclip", absence = "service_conflict"')),
    "primary_unreadable": Row("PRIMARY", _caller('standard = "jclip", number = "0312345678", corrupt = true')),
    "primary_no_data": Row("PRIMARY", _caller('standard = "jclip", number = "0312345678", fsk = false')),
    # WAIT_RING
    "wait_ring_missed": Row("WAIT_RING", (JCLIP, "rings = 0", "answer = false"), outcome="missed"),
    # RINGING
    "ringing_missed": Row("RINGING", ("rings = 3", "answer = false"), outcome="missed"),
    "ringing_missed_number": Row("RINGING", (JCLIP, "rings = 2", "answer = false"), outcome="missed"),
    # The numbers of PBX ports
    "sdmf": Row("RINGING", _caller('standard = "bellcore_sdmf", number = "0312345678"')),
    "mdmf": Row("RINGING", _caller('standard = "bellcore_mdmf", number = "0312345678", name = "SHIMIN"')),
    "mdmf_unreadable": Row("RINGING", _caller('standard = "bellcore_mdmf", number = "0312345678", corrupt = true')),
    "etsi": Row("RINGING", _caller('standard = "etsi", absence = "withheld"')),
    "etsi_before": Row("RINGING", _caller('standard = "etsi", number = "0312345678", when = "before"')),
    "dtmf": Row("RINGING", _caller('standard = "dtmf", number = "0312345678"')),
    "dtmf_between": Row("RINGING", _caller('standard = "dtmf", number = "5678", form = "A...#", when = "between"')),
    # DIALLING
    "dialling_pulse10": Row("DIALLING", _dials('dialling = "pulse10"', "pulse = { jitter_ms = 2.0 }"), "outbound"),
    "dialling_pulse20": Row("DIALLING", _dials('dialling = "pulse20"', "pulse = { jitter_ms = 1.0 }"), "outbound"),
    "dialling_answered_at_once": Row("DIALLING", _dials("rings = 0"), "outbound"),
    "dialling_busy": Row(
        "DIALLING",
        ('dial = "0312345678"', "rings = 0", "answer = false", 'end_tones = [["busy", 4.0]]'),
        "outbound",
        "busy",
    ),
    "dialling_no_answer": Row(
        "DIALLING", ('dial = "0312345678"', "rings = 4", "answer = false"), "outbound", "no_answer"
    ),
    "dialling_abandoned": Row("DIALLING", ('dial = "0312"', "rings = 0", "answer = false"), "outbound", "abandoned"),
    "dialling_nothing": Row("DIALLING", ("answer = false", 'end_tones = [["dial", 3.0]]'), "outbound", "abandoned"),
    "dialling_left_off_hook": Row(
        "DIALLING",
        ("answer = false", 'end_tones = [["dial", 10.0], ["busy", 10.0], ["howler", 20.0]]'),
        "outbound",
        "abandoned",
    ),
    "dialling_redial": Row("DIALLING", ('dial = "0399"', 'redial = "0312345678"', "talk = 10.0"), "outbound"),
    "dialling_pbx": Row(
        "DIALLING",
        _dials(),
        "outbound",
        line=('pbx = { dial_tone = "internal", outside = "0", ring_back = "plain_ring_back" }',),
    ),
    "dialling_internal": Row(
        "DIALLING", ('dial = "5678"', 'pbx = { dial_tone = "internal" }', "talk = 10.0"), "internal"
    ),
    # ANSWERED
    "answered_glitch": Row("ANSWERED", ("talk = 10.0", "breaks = [[3.0, 0.015], [5.0, 0.02]]")),
    "answered_pulse": Row("ANSWERED", ("talk = 10.0", "breaks = [[3.0, 0.05], [5.0, 0.08]]")),
    "answered_ambiguous": Row("ANSWERED", ("talk = 10.0", "breaks = [[3.0, 0.15], [5.0, 0.25]]")),
    "answered_flash": Row("ANSWERED", ("talk = 10.0", "breaks = [[3.0, 0.35], [5.0, 1.2]]")),
    "answered_keys": Row("ANSWERED", _dials('keys = [[4.0, "12#"]]'), "outbound"),
    "answered_far_keys": Row("ANSWERED", ("talk = 10.0", 'far_dtmf = [[3.0, "1"], [6.0, "234#"]]')),
    "answered_waiting": Row(
        "ANSWERED",
        ("talk = 12.0", "waiting = [5.0]", 'waiting_id = { standard = "bellcore_mdmf", number = "0612345678" }'),
    ),
    # FLASHED
    "flashed": Row("FLASHED", ("talk = 12.0", "flash = [4.0]")),
    "flashed_dials": Row("FLASHED", ("talk = 20.0", "flash = [4.0, 15.0]", 'flash_dial = ["5678"]')),
    "flashed_pulses": Row("FLASHED", ("talk = 20.0", "flash = [4.0]", 'flash_dial = ["56"]', 'dialling = "pulse10"')),
    # END by tone
    "end_busy": Row("END", ("talk = 8.0", 'end_tones = [["busy", 6.0]]')),
    "end_busy_stuck": Row("END", ("talk = 8.0", 'end_tones = [["busy", 8.0]]', 'stuck_hook = "off"'), ended_by="tone"),
    "end_dial_stuck": Row("END", ("talk = 8.0", 'end_tones = [["dial", 10.0]]', 'stuck_hook = "off"'), ended_by="tone"),
    "end_outbound_stuck": Row(
        "END", _dials('end_tones = [["busy", 6.0], ["howler", 6.0]]', 'stuck_hook = "off"'), "outbound", ended_by="tone"
    ),
    "end_silence_is_none": Row("END", ("talk = 8.0", 'end_tones = [["silence", 40.0]]')),
    # Sensors against sound
    "sensor_on_hook": Row("SENSORS", ("talk = 20.0", 'stuck_hook = "on"'), ended_by="sound"),
    "sensor_dead_channel": Row("SENSORS", ("talk = 90.0", "impair = { dead = true }")),
    "sensor_hum": Row("SENSORS", ("talk = 20.0",), line=("impair = { hum_dbm0 = -22.0 }",)),
    "sensor_clipping": Row("SENSORS", ("talk = 20.0", "impair = { gain_db = 18.0, clip_dbm0 = 3.0 }")),
    "sensor_far_too_low": Row("SENSORS", ("talk = 30.0", "impair = { far_db = -30.0 }")),
    "sensor_24_volts": Row("SENSORS", ("talk = 8.0",), line=("feed = 24",)),
    "sensor_48_volts": Row("SENSORS", ("talk = 8.0", "flash = [3.0]"), line=("feed = 48",)),
    # A bad line, with everything on it
    "bad_line": Row(
        "RINGING",
        (JCLIP, "talk = 12.0", 'far_dtmf = [[5.0, "42"]]', 'end_tones = [["busy", 4.0]]'),
        line=(
            "impair = { noise_dbm0 = -42.0, hum_dbm0 = -38.0, echo_ms = 40.0, echo_db = -18.0, frequency_error = 1.0 }",
        ),
    ),
}


def write(folder: Path, name: str, at: float = 3.0) -> StateScenario:
    """The script of a row, and its truth."""
    row = ROWS[name]
    text = ['[[line]]\nline = "1"', *row.line, ""] if row.line else []
    text += [f'[[call]]\nline = "1"\nat = {at}\ndirection = "{row.direction}"', *row.keys, ""]
    path = folder / f"{name}.toml"
    path.write_text("\n".join(text), encoding="utf-8")
    return StateScenario(path, [_truth(row, call) for call in load_script(path).timelines("1")])


def _truth(row: Row, call: Timeline) -> Truth:
    plan, caller = call.plan, call.plan.caller_id
    told = caller if call.sent and caller is not None and not caller.corrupt else None
    firsts = [event.mono_ns for event in call.events if isinstance(event, ContactEdge)]
    answered_ns = call.answered_ns or 0
    dialled = f"{plan.pbx.outside or ''}{plan.dial}{plan.redial}" if plan.dial else ""
    in_call = sorted([(at, keys) for at, keys in plan.keys] + list(zip(plan.flash_ns, plan.flash_dial, strict=False)))
    return Truth(
        row.direction,
        row.outcome,
        row.ended_by,
        min(firsts, default=plan.at_ns),
        call.answered_ns,
        call.ended_ns,
        told.number if told else None,
        told.absence if told else None,
        told.called if told else None,
        told.name if told else None,
        caller is not None and bool(call.sent) and caller.corrupt,
        call.sent,
        call.primary_ns,
        dialled,
        "".join(keys for _, keys in in_call),
        "".join(keys for _, keys in plan.far_dtmf),
        tuple(answered_ns + at for at in plan.flash_ns)
        + tuple(answered_ns + at for at, length in plan.breaks if length >= 300_000_000),
    )
