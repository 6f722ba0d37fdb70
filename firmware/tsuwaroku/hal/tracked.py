"""The card's clock followed on CLOCK_MONOTONIC: which sample was taken when. Pure; time is an argument.

A card's crystal is off by up to about 100 ppm and drifts (4 s a day against the system's), so sample
positions cannot be turned into times by dividing; and the moment at which a thread gets round to reading
says little, because it is late by anything from nothing to a stall. It is never early, though: a sample
cannot be read before it was taken. So of each second only the least late observation counts, and a line
is laid through the last half minute of these.
"""

from __future__ import annotations

from collections import deque

NS = 1_000_000_000
# One point a second; 32 of them see 100 ppm (3.2 ms over the span) well above what is left of the jitter.
_POINTS = 32
# Ridge of the fit, in ns²: lateness left in a point (0.5 ms) over the drift to expect (100 ppm), squared.
# A few points hardly move the rate; half a minute of them decides it.
_RIDGE = (5e5 / 1e-4) ** 2
# No crystal is this far off; beyond it an observation is wrong, not the card.
_RATE_LIMIT = 1000e-6


class SampleClock:
    """Follows one card. Positions are samples of the stream, lost ones included; times are monotonic ns.

    Measured in the tests with reads up to 20 ms late and the card 100 ppm off: after ten seconds times are
    good to 1.5 ms. In the first second they are as good as the best read so far.
    """

    def __init__(self, rate: int) -> None:
        self._nominal = NS / rate
        self._window = rate
        self._base = self._nominal  # ns a sample the fit corrects
        self._period = self._nominal  # ns a sample as fitted
        self._at = (0, 0)  # the line goes through (position, ns)
        self._points: deque[tuple[int, int]] = deque(maxlen=_POINTS)
        self._best: tuple[int, int] | None = None
        self._window_end = rate
        self._settled = False

    @property
    def drift_ppm(self) -> float:
        """How much slower than its nominal rate the card runs, in parts per million."""
        return (self._period / self._nominal - 1.0) * 1e6

    def restart(self, position: int, mono_ns: int) -> None:
        """The card was (re)started: the sample at `position` is taken at `mono_ns`. The rate learnt is kept."""
        self._base = self._period
        self._at = (position, mono_ns)
        self._points.clear()
        self._best = None
        self._window_end = position + self._window
        self._settled = False

    def observe(self, position: int, mono_ns: int) -> None:
        """At `mono_ns` the card had taken `position` samples, or more."""
        late = mono_ns - self.time_of(position)
        if late < 0 and not self._settled:
            self._at = (position, mono_ns)
        if self._best is None or late < self._best[1] - self.time_of(self._best[0]):
            self._best = (position, mono_ns)
        if position >= self._window_end:
            self._points.append(self._best)
            self._best = None
            self._window_end = position + self._window
            self._fit()

    def time_of(self, position: int) -> int:
        """When the sample at `position` was, or will be, taken."""
        return self._at[1] + round((position - self._at[0]) * self._period)

    def position_at(self, mono_ns: int) -> int:
        """How many samples the card has taken by `mono_ns`."""
        return self._at[0] + int((mono_ns - self._at[1]) / self._period)

    def _fit(self) -> None:
        """Least squares through the points, the rate held back by a ridge; the line then passes their centre."""
        first_position, first_ns = self._points[0]
        x = [(position - first_position) * self._base for position, _ in self._points]
        y = [ns - first_ns - along for (_, ns), along in zip(self._points, x, strict=True)]
        x_mean, y_mean = sum(x) / len(x), sum(y) / len(y)
        spread = sum((along - x_mean) ** 2 for along in x)
        slope = sum((along - x_mean) * late for along, late in zip(x, y, strict=True)) / (spread + _RIDGE)
        period = self._base * (1.0 + slope)
        limit = self._nominal * _RATE_LIMIT
        self._period = min(max(period, self._nominal - limit), self._nominal + limit)
        last = self._points[-1][0]
        drift = (last - first_position) * self._period - x_mean * self._period / self._base
        self._at = (last, first_ns + round(x_mean + y_mean + drift))
        self._settled = True
