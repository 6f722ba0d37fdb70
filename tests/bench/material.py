"""Eight lines to record: talk rendered by the exchange, written as WAVs with the contacts that went with it.

`python -m tests.bench.material FOLDER --lines N --seconds S --call-seconds C --kind talk|noise` makes a script.toml of
one `[[raw]]` a line in FOLDER, a config.toml for the service to play it, and prints what it made as JSON.
"""

from __future__ import annotations

import argparse
import json
import wave
from pathlib import Path

import numpy as np

from tsuwaroku.clock import NS
from tsuwaroku.events import ContactEdge
from tsuwaroku.exchange.render import CallLine
from tsuwaroku.exchange.sound import RATE, rms
from tsuwaroku.exchange.timeline import CallPlan, Timeline, timeline

# Noise as loud as a bad line's hum and crosstalk at their worst: nothing in it can be predicted, so FLAC gains little.
NOISE_DBM0 = -30.0
PAUSE_S = 7.0  # between two calls of a line: longer than any hang-up rule and the 6 s of a missed call
LEAD_S = 4.0  # a ring of 1 s, the hand that reaches for the receiver, and the hang-up's 1.5 s


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--call-seconds", type=float, required=True)
    parser.add_argument("--kind", choices=("talk", "noise"), required=True)
    args = parser.parse_args()
    made = make(args.folder, args.lines, args.seconds, args.call_seconds, args.kind)
    print(json.dumps(made))


def make(folder: Path, lines: int, seconds: float, call_seconds: float, kind: str) -> dict[str, object]:
    """The folder's files. `call_seconds` is the talk of one call; calls follow one another while they fit."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = []
    calls = 0
    for number in range(1, lines + 1):
        plans = _calls(str(number), number, seconds, min(call_seconds, seconds - LEAD_S))
        calls += len(plans)
        source = CallLine(str(number), plans, plans[-1].last_ns)
        pcm = source.read(0, round(seconds * RATE)) if kind == "talk" else _noise(number, round(seconds * RATE))
        _write(folder / f"line{number}.wav", pcm)
        contacts = [_contact(event) for plan in plans for event in plan.events if isinstance(event, ContactEdge)]
        listed = ", ".join(f'[{at:.9f}, "{name}", "{state}"]' for at, name, state in contacts)
        tables.append(f'[[raw]]\nline = "{number}"\naudio = "line{number}.wav"\ncontacts = [{listed}]\n')
    script = folder / "script.toml"
    script.write_text("\n".join(tables), encoding="utf-8")
    config = [f'[board]\nkind = "virtual"\nscript = {json.dumps(str(script))}\n']
    config += [f'[[line]]\nid = "{number}"\nextension = "{200 + number}"\n' for number in range(1, lines + 1)]
    (folder / "config.toml").write_text("\n".join(config), encoding="utf-8")
    return {"lines": lines, "seconds": seconds, "calls": calls, "kind": kind}


def _calls(line: str, seed: int, seconds: float, talk_s: float) -> list[Timeline]:
    """As many calls as fit; at least one."""
    made: list[Timeline] = []
    at_s = 0.0
    while not made or at_s + talk_s + LEAD_S <= seconds:
        plan = CallPlan(line, round(at_s * NS), "inbound", 1, round(talk_s * NS), seed * 1000 + len(made))
        made.append(timeline(plan))
        at_s = made[-1].ended_ns / NS + PAUSE_S
    return made


def _contact(edge: ContactEdge) -> tuple[float, str, str]:
    """As a call script has it: a ringing line is `on`, a lifted receiver `off`."""
    name = edge.contact.value
    return edge.mono_ns / NS, name, "on" if edge.active == (name == "ring") else "off"


def _noise(seed: int, samples: int) -> bytes:
    noise = np.random.default_rng(seed).normal(0.0, rms(NOISE_DBM0), samples)
    return np.clip(np.rint(noise), -32768, 32767).astype("<i2").tobytes()


def _write(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)


if __name__ == "__main__":
    main()
