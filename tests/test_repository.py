"""The repository itself: what lies where, what is locked, and that its scripts keep their promises."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import left_out_line

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "scripts" / "requirements"
TOP_LEVEL = {
    *("firmware", "hw", "scripts", "tests", "image-build", "pyproject.toml"),
    *("README.md", "README.ja.md", "CHANGELOG.md", "LICENSE", ".ci", ".gitignore"),
}
SHELL_SCRIPTS = [
    path
    for path in sorted(path for folder in (".ci", "scripts", "tests/kernel") for path in (ROOT / folder).iterdir())
    if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash\n")
]


def tracked() -> list[Path]:
    """Every file git knows and the work tree still has; nothing else, so no cache and no `.venv`."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def tracked_text() -> dict[str, str]:
    """Path -> text of the tracked files that are text (no NUL in them)."""
    contents = {str(path.relative_to(ROOT)): path.read_bytes() for path in tracked()}
    return {name: data.decode() for name, data in contents.items() if b"\0" not in data}


def found(pattern: str) -> list[str]:
    return [
        f"{name}:{number}: {line}"
        for name, text in tracked_text().items()
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, str]:
    """Package -> its requirement in a lock file, marker and hashes included."""
    text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {canonical(re.split(r"[=\s]", line)[0]): line for line in lines}


def required(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[<>=!~\[; ]", requirement)[0]) for requirement in requirements}


def project() -> dict[str, list[str]]:
    """What pyproject.toml asks for, by the name of the lock file."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = data["project"]["optional-dependencies"]
    runtime = data["project"]["dependencies"]
    build = data["build-system"]["requires"]
    alone = {name: extras[name] for name in ("rpigpio", "kernel-bench", "fuzz", "hw")}
    return {"runtime": runtime, "dev": runtime + extras["dev"], "build": build, **alone}


def test_top_level_holds_what_it_should_and_nothing_else() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} == TOP_LEVEL
    assert [path.name for path in tracked() if path.parent == ROOT / ".ci"] == ["run"]


def test_no_file_names_a_package_registry() -> None:
    hosts = "|".join(("deb" + "ian", "py" + "pi", "pythonhos" + "ted", "npm" + "js"))
    assert found(rf"https?://[a-z.-]*({hosts})\.") == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    places = "|".join(("wo" + "rk", "fa" + "rm", "ro" + "ot"))
    assert found(rf"(^|[^a-zA-Z0-9_.}}\])-])/({places})/[a-zA-Z0-9.]") == []


def test_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "9. Accepting Warranty or Additional Liability" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("name", ["runtime", "dev", "rpigpio", "kernel-bench", "fuzz", "hw", "build"])
def test_every_dependency_is_locked(name: str) -> None:
    assert required(project()[name]) - set(locked(name)) == set()


@pytest.mark.parametrize("name", ["runtime", "dev", "rpigpio", "kernel-bench", "fuzz", "hw", "build"])
def test_every_locked_package_has_one_version_and_hashes(name: str) -> None:
    line = re.compile(r"[a-z0-9-]+==[^\s;]+( ;[^#]*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [entry for entry in locked(name).values() if not line.fullmatch(entry)] == []
    assert "://" not in (LOCKS / f"{name}.txt").read_text(encoding="utf-8")


def test_what_is_tested_is_what_runs() -> None:
    """The development lock holds the runtime lock, version for version and hash for hash."""
    assert {name: locked("dev").get(name) for name in locked("runtime")} == locked("runtime")
    shared = set(locked("build")) & set(locked("runtime"))
    assert {name: locked("build")[name] for name in shared} == {name: locked("runtime")[name] for name in shared}


def test_the_voice_detector_is_the_maintained_build() -> None:
    """`webrtcvad` and `webrtcvad-wheels` are one module, so one of them; lgpio has a placeholder release."""
    assert [name for name in locked("dev") if name.startswith("webrtcvad")] == ["webrtcvad-wheels"]
    assert locked("runtime")["lgpio"].split()[0] == "lgpio==0.2.2.0"


def test_every_script_is_executable() -> None:
    scripts = [path for path in tracked() if path.read_bytes().startswith(b"#!")]
    assert [str(path.relative_to(ROOT)) for path in scripts if not os.access(path, os.X_OK)] == []
    shell = [path for path in scripts if b"sh" in path.read_bytes().splitlines()[0]]
    assert [str(path.relative_to(ROOT)) for path in shell if path not in SHELL_SCRIPTS] == []


def test_the_commands_a_newcomer_types_are_there() -> None:
    names = {str(path.relative_to(ROOT)) for path in SHELL_SCRIPTS}
    assert names >= {".ci/run", "scripts/fuzz", "scripts/lock", "scripts/run", "scripts/setup", "scripts/test"}


@pytest.mark.parametrize("script", SHELL_SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_shell_script_parses_and_has_help(script: Path) -> None:
    assert subprocess.run(["bash", "-n", script], capture_output=True, check=False).stderr == b""
    shown = subprocess.run([script, "--help"], capture_output=True, text=True, check=True, cwd="/", timeout=10)
    assert shown.stdout.startswith("Usage: ")
    assert shown.stderr == ""


@pytest.mark.parametrize("script", ["lock", "setup"])
def test_unknown_option_is_refused_with_the_usage(script: str) -> None:
    refused = subprocess.run([ROOT / "scripts" / script, "--no-such"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("Usage: ")


def test_scripts_pass_shellcheck() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed: scripts/setup --dev installs it")
    checked = subprocess.run(["shellcheck", *SHELL_SCRIPTS], capture_output=True, text=True, check=False)
    assert checked.stdout == ""


def test_setup_with_nothing_to_do_is_silent_and_quick() -> None:
    setup = [str(ROOT / "scripts" / "setup"), "--dev"]
    if subprocess.run([*setup, "--check"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this environment was not made by scripts/setup --dev")
    began = time.monotonic()
    again = subprocess.run(setup, capture_output=True, text=True, check=False, cwd="/", timeout=60)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert time.monotonic() - began < 5, "the goal is 1 s; the rest is a busy machine's"


@pytest.mark.parametrize(
    ("left_out", "line"),
    [
        ({}, "No test was left out."),
        ({"slow": 1}, "1 test left out: 1 slow."),
        ({"slow": 2, "nightly": 3}, "5 tests left out: 3 nightly, 2 slow."),
    ],
)
def test_what_a_tier_left_out_is_said_in_words(left_out: dict[str, int], line: str) -> None:
    assert left_out_line(Counter(left_out)) == line
