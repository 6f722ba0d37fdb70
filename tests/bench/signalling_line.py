"""The end of a call by the exchange's tone through the whole recorder, and what all detectors cost together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.bench import speech
from tests.bench.child import BenchError
from tests.bench.measure import Figure, figure
from tests.service.support import START, play
from tests.signalling.sounds import Pcm, line, silence
from tsuwaroku.clock import NS, from_iso
from tsuwaroku.config import Config, LineConfig, LineNotice, NoticeDecision, NoticeKind
from tsuwaroku.events import AudioFrame
from tsuwaroku.exchange.render import CallLine
from tsuwaroku.exchange.script import load_script
from tsuwaroku.exchange.timeline import CallPlan, timeline
from tsuwaroku.signalling.ear import Ear, Listening

RATE = 8000
FRAME = RATE // 50
TONE_AFTER_NS = 3 * NS // 10  # the exchange's, after the talk (SCRIPT.md)
CYCLE_NS = NS  # 0.5 s of tone, 0.5 s of pause
RUNS = 5
# A line's noise and hum, and how far the tone and the voices are from where they should be.
LINES = (
    "",
    "impair = { noise_dbm0 = -45.0 }",
    "impair = { hum_dbm0 = -35.0 }",
    "impair = { gain_db = -12.0 }",
    "impair = { frequency_error = 1.5, echo_ms = 30.0, echo_db = -20.0 }",
)
_EXEMPT = NoticeDecision(kind=NoticeKind.EXEMPT, exempt_item=4, basis="bench")
# Nothing is played: while we play, the line is not listened to.
QUIET = Config(line=(LineConfig(id="1", notice=LineNotice(inbound=_EXEMPT, outbound=_EXEMPT)),))


def ends(folder: Path, count: int) -> list[Figure]:
    """`count` calls, in and out, the hook contact stuck at off-hook; told against the exchange's own timeline."""
    cycles, off_s, missed = [], [], 0
    for number in range(count):
        place = folder / f"end{number}"
        place.mkdir(parents=True)
        script = place / "script.toml"
        script.write_text(_script(number), encoding="utf-8")
        (truth,) = load_script(script).timelines("1")
        calls = play(script, place / "store", config=QUIET)
        tone_ns = (truth.talked_ns or 0) + TONE_AFTER_NS
        call = calls[0]
        if len(calls) != 1 or call.ended_by != "tone" or call.ended_at is None or call.audio.first_sample is None:
            missed += 1
            continue
        decided_ns = (call.audio.first_sample + call.audio.samples) * NS // RATE
        cycles.append((decided_ns - tone_ns) / CYCLE_NS)
        off_s.append(abs(from_iso(call.ended_at) - START - tone_ns) / NS)
    if not cycles:
        raise BenchError("no call was ended by its busy tone")
    return [
        figure("end_missed", "calls with a stuck hook not ended by their busy tone", f"of {count}", missed, 0.0),
        figure("end_cycles", "whole cycles of it heard by then, the worst", "", math.floor(max(cycles)), 3.0),
        figure("end_s", "  time from the tone's begin to the decision", "s", cycles),
        figure("end_off", "  end in the record off the tone's begin, the worst", "s", max(off_s, default=0.0)),
    ]


def _script(number: int) -> str:
    talk_s, at_s = 6.0 + 0.37 * (number % 11), 2.0 + 0.083 * number % 1
    direction = "inbound" if number % 2 else "outbound"
    impaired = LINES[number % len(LINES)]
    head = ["[[line]]", 'line = "1"', impaired, ""] if impaired else []
    call = ["[[call]]", 'line = "1"', f"at = {at_s}", f'direction = "{direction}"', f"talk = {talk_s}"]
    call += ['dial = "0312345678"'] if direction == "outbound" else []
    return "\n".join([*head, *call, 'end_tones = [["busy", 8.0]]', 'stuck_hook = "off"', ""])


def costs(seconds: float) -> list[Figure]:
    """CPU of the ear for an hour of a line, RUNS times: in a conversation, while nobody has answered, and on-hook."""
    talk = _talk(seconds)
    idle = line(silence(seconds))
    parts: tuple[tuple[str, str, Pcm, Listening, float | None], ...] = (
        ("cost_talk", "CPU per line-hour of all detectors, conversation", talk, Listening.TALK, 1.5),
        ("cost_dialled", "  the same before it is known that somebody answered", talk, Listening.DIALLED, None),
        ("cost_on_hook", "  on-hook, line noise of -60 dBm0", idle, Listening.ON_HOOK, None),
    )
    return [
        figure(key, text, "s", [_cpu_s(pcm, listening) for _ in range(RUNS)], target)
        for key, text, pcm, listening, target in parts
    ]


def _talk(seconds: float) -> Pcm:
    """Both voices of the exchange; espeak-ng's where it is, for theirs is nearer to people's."""
    if speech.available():
        return np.concatenate(list(speech.spoken(5, seconds)))
    plan = timeline(CallPlan("1", 0, "inbound", 1, round(seconds * NS), 1))
    begin = round((plan.answered_ns or 0) / NS * RATE)
    read: Callable[[int, int], bytes | None] = CallLine("1", [plan], plan.last_ns).read
    return np.frombuffer(read(begin, begin + round(seconds * RATE)) or b"", dtype="<i2")


def _cpu_s(pcm: Pcm, listening: Listening) -> float:
    """Frames of 20 ms as a board gives them, a tick after each."""
    ear = Ear(RATE)
    frames = [
        AudioFrame("1", at, at * NS // RATE, pcm[at : at + FRAME].tobytes())
        for at in range(0, pcm.size - FRAME + 1, FRAME)
    ]
    began = time.process_time()
    for frame in frames:
        ear.audio(frame)
        while (block := ear.due(frame.mono_ns)) is not None:
            ear.judge(block, listening)
    return (time.process_time() - began) * 3600 * RATE / (len(frames) * FRAME)
