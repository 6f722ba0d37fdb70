"""Hours of synthetic Japanese speech on a line, for what must not take talk for a signal.

Two voices of espeak-ng (Debian package, bench only), a man's and a woman's, say sentences drawn at random from the
words of a counter at a city hall and from syllables that mean nothing; each sentence at a pitch and speed of its own.
Band-limited as a telephone line is, the near voice at -16 dBm0 and the far one 12 dB below, over line noise.
"""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import wave
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tsuwaroku.exchange.sound import NOISE_DBM0, rms

RATE = 8000
VOICES = ("ja", "ja+f2")
LEVELS_DBM0 = (-16.0, -28.0)
_TEXT = (
    "おはようございます しやくしょ こくみんけんこうほけん かかり ごようけん うかがいます すみません もしもし "
    "じゅうみんひょう いんかんとうろく しょうめいしょ まどぐち でんわばんごう おなまえ せいねんがっぴ "
    "ねんきん ぜいきん のうぜいつうち しはらい ほいくえん ごみのしゅうしゅう すいどう どうろ こうえん "
    "そうだん おまちください たんとう かわります ありがとうございました しょうしょう わかりました うーん "
    "えーと そうですか はい いいえ ちがいます なんども いったでしょう おかしいでしょう こまります ぜろさん "
    "いちにいさん よんごう ろくななはち きゅうじゅう ひゃく せん まん えん がつ にち じ ふん らいしゅう "
    "きのう あした"
)
_WORDS = _TEXT.split()
_SYLLABLES = (
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわんが"
    "ぎぐげござじずぜぞだでどばびぶべぼ"
)


def available() -> bool:
    """Whether espeak-ng is installed."""
    return shutil.which("espeak-ng") is not None


def spoken(seed: int, seconds: float) -> Iterator[NDArray[np.int16]]:
    """About a minute at a time, `seconds` in all; everything follows from the seed."""
    rng = random.Random(seed)
    noise = np.random.default_rng(seed)
    left = int(seconds * RATE)
    while left > 0:
        turn = rng.randrange(2)
        text = "。".join(_sentence(rng) for _ in range(rng.randint(14, 18)))
        sound = _say(text, VOICES[turn], rng.randint(20, 80), rng.randint(120, 220))
        active = sound[np.abs(sound) > 0.01 * np.max(np.abs(sound))]
        sound *= rms(LEVELS_DBM0[turn if rng.random() < 0.8 else 1 - turn]) / np.sqrt(np.mean(active**2))
        sound += noise.normal(0, rms(NOISE_DBM0), sound.size)
        yield np.clip(np.rint(sound[:left]), -32768, 32767).astype(np.int16)
        left -= sound.size


def _sentence(rng: random.Random) -> str:
    words = [rng.choice(_WORDS) for _ in range(rng.randint(3, 8))]
    if rng.random() < 0.5:
        words.insert(rng.randrange(len(words)), "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(3, 12))))
    return "、".join(words) if rng.random() < 0.2 else "".join(words)


def _say(text: str, voice: str, pitch: int, speed: int) -> NDArray[np.float64]:
    """One voice at 8 kHz, 300 to 3400 Hz."""
    command = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "--stdout"]
    said = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=120).stdout
    with wave.open(io.BytesIO(said)) as file:
        rate = file.getframerate()
        # The length in a header written to a pipe is not true; what is there is.
        pcm = np.frombuffer(said[44:], dtype="<i2").astype(np.float64)
    seconds = pcm.size // rate
    spectrum = np.fft.rfft(pcm[: seconds * rate])
    hertz = np.arange(seconds * RATE // 2 + 1) / seconds
    kept = spectrum[: hertz.size] * ((hertz > 300) & (hertz < 3400))
    sound: NDArray[np.float64] = np.fft.irfft(kept, seconds * RATE)
    return sound
