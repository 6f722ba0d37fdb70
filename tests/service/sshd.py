"""A real ssh server that is there for a test alone: on a port of the loopback, in namespaces of its own, where the
people of the test have accounts. The machine's accounts, its /run and its services are not touched; when the test ends,
however it does, the server and all it started are gone with it.

The server is the machine's, or the one that `scripts/setup --dev` fetched without installing it.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.service.people import Person

LOOPBACK = "127.0.0.1"
PATIENCE_S = 20.0
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tsuwaroku" / "sshd"
_NOBODY = 61000  # the account sshd gives its rights away to

_IN_ITS_NAMESPACE = """
set -e
mount -t tmpfs -o mode=755 none /run
mkdir /run/sshd
cp -r "$1/keys" /run/keys
for file in passwd group nsswitch.conf; do mount --bind "$1/$file" "/etc/$file"; done
exec 3<&0
{ cat <&3 >/dev/null; kill $$; } &  # at the end of our input: whoever started us is done, or gone
exec "$2" -D -e -f "$1/sshd_config" 3<&-
"""

_SETTINGS = """
ListenAddress {address}
Port {port}
HostKey {here}/host
PidFile none
AuthorizedKeysFile /run/keys/%u
AuthenticationMethods publickey
PermitRootLogin no
PasswordAuthentication no
UsePAM no
PermitTTY no
ForceCommand /bin/false
AllowTcpForwarding local  # without it sshd forwards no Unix socket either
AllowAgentForwarding no
X11Forwarding no
AllowStreamLocalForwarding local
LogLevel VERBOSE
"""


def program() -> Path | None:
    """The server, if there is one."""
    release = platform.freedesktop_os_release().get("VERSION_ID", "")
    found = (Path("/usr/sbin/sshd"), _CACHE / release / "usr" / "sbin" / "sshd")
    return next((path for path in found if os.access(path, os.X_OK)), None)


def missing() -> str:
    """Why there can be no server here; empty where there can."""
    if os.geteuid() != 0:
        return "only root starts an ssh server for other users"
    if shutil.which("ssh") is None or program() is None:
        return "there is no ssh client or server: scripts/setup --dev fetches them"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this machine gives no namespaces, not even to root"


class Server(NamedTuple):
    """`here`: where its files are, and the keys its people log in with; `log`: what it says."""

    here: Path
    port: int

    @property
    def log(self) -> str:
        return (self.here / "sshd.log").read_text(encoding="utf-8", errors="replace")


class Tunnel(NamedTuple):
    """`ssh -L` as it runs on a PC, and the socket it made there."""

    client: subprocess.Popen[bytes]
    socket: Path


@contextmanager
def ssh_server(here: Path, people: Mapping[str, Person]) -> Iterator[Server]:
    """A server that lets these people in, by account; `here` is a new directory."""
    (here / "keys").mkdir(parents=True)
    server = Server(here, _free_port())
    for name in ("host", *people):
        _make_key(here / name)
    for name in people:
        shutil.copy(here / f"{name}.pub", here / "keys" / name)
    (here / "known_hosts").write_text(f"[{LOOPBACK}]:{server.port} {(here / 'host.pub').read_text()}")
    _write_accounts(here, people)
    (here / "sshd_config").write_text(_settings(here, server.port))
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command += ["sh", "-c", _IN_ITS_NAMESPACE, "sh", str(here), str(program())]
    with (
        (here / "sshd.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process,
    ):
        assert process.stdin is not None
        try:
            _wait(lambda: "Server listening" in server.log, process, server)
            yield server
        finally:
            process.stdin.close()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def tunnel(server: Server, name: str, local: Path, remote: Path) -> Iterator[Tunnel]:
    """What somebody does on her PC to reach the keeper: log in with her ssh key, and forward its socket."""
    options = {
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "UserKnownHostsFile": server.here / "known_hosts",
        "GlobalKnownHostsFile": "none",
        "StrictHostKeyChecking": "yes",
        "ExitOnForwardFailure": "yes",
        "StreamLocalBindUnlink": "yes",
    }
    command = ["ssh", "-F", "none", "-N", "-p", str(server.port), "-i", str(server.here / name)]
    command += [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    command += ["-L", f"{local}:{remote}", f"{name}@{LOOPBACK}"]
    local.unlink(missing_ok=True)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as client:
        try:
            _wait(local.exists, client, server)
            yield Tunnel(client, local)
        finally:
            client.kill()


class Tap:
    """On the PC, between the console and the tunnel: every octet that goes through, kept by its direction."""

    def __init__(self, path: Path, onward: Path) -> None:
        self.sent, self.received = bytearray(), bytearray()
        self.path = path
        self._onward = onward
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._threads: list[threading.Thread] = []
        self._links: list[socket.socket] = []

    def __enter__(self) -> Tap:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for link in (self._listener, *self._links):
            link.close()

    def _start(self, act: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=act, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                self._links += near, far
                far.connect(str(self._onward))
                self._start(_pump, near, far, self.sent)
                self._start(_pump, far, near, self.received)


def _pump(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while octets := source.recv(65536):
            kept += octets
            sink.sendall(octets)
        sink.shutdown(socket.SHUT_WR)


def _settings(here: Path, port: int) -> str:
    text = _SETTINGS.format(address=LOOPBACK, port=port, here=here)
    found = program()
    assert found is not None
    helpers = found.parents[1] / "lib" / "openssh"  # from OpenSSH 9.8 on it consists of several programs
    for option, name in (("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")):
        if (helpers / name).exists():
            text += f"{option} {helpers / name}\n"
    return text


def _write_accounts(here: Path, people: Mapping[str, Person]) -> None:
    """Accounts with no password at all; the numbers of their groups are those that the keeper's configuration has."""
    users = ["root:*:0:0::/:/bin/sh", f"sshd:*:{_NOBODY}:{_NOBODY}::/run/sshd:/bin/false"]
    members: dict[int, list[str]] = {0: [], _NOBODY: []}
    for name, person in people.items():
        users.append(f"{name}:*:{person.uid}:{person.groups[0]}::/:/bin/sh")
        for group in person.groups:
            members.setdefault(group, []).append(name)
    groups = [f"g{number}:*:{number}:{','.join(names)}" for number, names in members.items()]
    for file, lines in (("passwd", users), ("group", groups), ("nsswitch.conf", ["passwd: files", "group: files"])):
        (here / file).write_text("\n".join(lines) + "\n")


def _make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)], check=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        number: int = probe.getsockname()[1]
        return number


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], server: Server) -> None:
    until = time.monotonic() + PATIENCE_S
    while not ready():
        assert process.poll() is None, server.log
        assert time.monotonic() < until, server.log
        time.sleep(0.01)
