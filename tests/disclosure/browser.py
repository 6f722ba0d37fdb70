"""A real browser without a window, over DevTools' pipe: octets ended by a zero, no library and no port."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome")
PATIENCE_S = 40.0


def program() -> str | None:
    """The browser of this machine."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Page:
    """One page. `failures`: what it tried of the network, what it threw, what it logged as an error."""

    def __init__(self, profile: Path, *options: str) -> None:
        found = program()
        assert found is not None
        pipes = (*os.pipe(), *os.pipe())
        to_us, its_out, its_in, to_it = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in pipes)
        for fd in pipes:
            os.close(fd)
        fixed = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe")
        quiet = ("--no-first-run", "--disable-background-networking", "--mute-audio", "--window-size=1100,1500")
        # the browser wants the pipe as its descriptors 3 and 4, whatever ours are
        inside = f'exec "$0" "$@" 3<&{its_in} 4>&{its_out} {its_in}<&- {its_out}>&-'
        self._process = subprocess.Popen(
            ["bash", "-c", inside, found, *fixed, *quiet, f"--user-data-dir={profile}", *options],
            pass_fds=(its_in, its_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(its_in)
        os.close(its_out)
        self._in, self._out = to_us, to_it
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.failures: list[str] = []
        self.requests: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._out)
        os.close(self._in)
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def goto(self, path: Path) -> None:
        """Open a file as a double click does."""
        self.run("window.isOld = true")
        self._call("Page.navigate", url=path.resolve().as_uri())
        self.until("!window.isOld && document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; of a promise, when it has one."""
        told = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def until(self, condition: str, patience_s: float = PATIENCE_S) -> Any:
        """Wait until an expression is true; its value."""
        deadline = time.monotonic() + patience_s
        while not (value := self.run(condition)):
            assert time.monotonic() < deadline, (condition, self.run("document.body.innerText"), self.failures)
            time.sleep(0.05)
        return value

    def text(self, selector: str) -> str:
        """What a reader sees there, "" where it is hidden."""
        return str(self.run(f"document.querySelector({selector!r}).innerText"))

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self._call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """A person's click: a page may begin sound only then."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'center'}});"
            " const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def picture(self) -> bytes:
        """The whole page as PNG."""
        told = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(told["data"])

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            told = self._read()
            if told.get("id") == self._number:
                assert "error" not in told, (method, told["error"])
                return told["result"]
            self._note(told)

    def _note(self, told: dict[str, Any]) -> None:
        parameters = told.get("params", {})
        if told.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif told.get("method") == "Runtime.exceptionThrown":
            self.failures.append(parameters["exceptionDetails"].get("exception", {}).get("description", "thrown"))
        elif told.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.failures.append(parameters["entry"]["text"])

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            octets = os.read(self._in, 1 << 20)
            assert octets, "the browser ended"
            self._buffer += octets
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found
