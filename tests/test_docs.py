"""The documents: their commands run, their links lead somewhere, and the names and numbers in them are the code's."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer.main

from tsuwaroku import config, errors
from tsuwaroku.console.cli import app
from tsuwaroku.service.alarms import ALARMS

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
PACKAGE = FIRMWARE / "tsuwaroku"
READMES = ("README.md", "README.ja.md")
DOCUMENTS = (
    *READMES,
    *("CHANGELOG.md", "firmware/DESIGN.md", "firmware/GLOSSARY.md", "firmware/tsuwaroku/store/FORMAT.md"),
    *("hw/README.md", "hw/LABEL.md", "hw/MANUAL.ja.md", "image-build/README.md"),
)
UNCLASSED_CODES = {0, 1, 2, 130}  # done, a bug, the command line is wrong, Ctrl-C: no class of errors.py has them


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def sh_blocks(name: str) -> list[str]:
    """The fenced blocks marked sh, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", read(name), re.M | re.S)


def code(name: str) -> list[str]:
    """Everything in code font: inline, and each line of the fenced blocks less its comment."""
    text = read(name)
    fenced = [re.sub(r"\s*#.*", "", line) for block in sh_blocks(name) for line in block.splitlines()]
    return fenced + re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def section(name: str, heading: str) -> str:
    """The text under `## heading`."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", read(name), re.M | re.S)
    assert found is not None, f"{name} has no section {heading}"
    return found[1]


def sources() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}


# -- commands


def test_both_readmes_name_the_same_commands() -> None:
    def bare(name: str) -> list[str]:
        lines = [re.sub(r"\s+#.*", "", line) for block in sh_blocks(name) for line in block.splitlines()]
        return [line for line in lines if line]

    assert bare("README.ja.md") == bare("README.md")
    assert bare("README.md")[:2] == ["scripts/run", "scripts/test"]


def run_blocks(name: str, tmp_path: Path, lang: str) -> tuple[str, Path]:
    """Every sh block in one shell, in a root of links to the repository's files; its output, and where it wrote.

    Lines that begin with scripts/ set up, run for ever or run this test: they are looked at by another test.
    """
    root, scratch = tmp_path / "root", tmp_path / "scratch"
    root.mkdir()
    scratch.mkdir()
    for entry in ROOT.iterdir():
        if entry.name != ".venv":
            (root / entry.name).symlink_to(entry)
    (root / ".venv").symlink_to(sys.prefix)
    script = "".join(line for line in "".join(sh_blocks(name)).splitlines(True) if not line.startswith("scripts/"))
    variables = {"PATH": os.environ["PATH"], "LANG": lang, "HOME": str(scratch), "TMPDIR": str(scratch)}
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=root,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    assert {entry.name for entry in root.iterdir()} == {entry.name for entry in ROOT.iterdir()} | {".venv"}
    return done.stdout, next(scratch.glob("tmp.*"))


@pytest.mark.skipif(not Path(sys.prefix, "bin", "tsuwaroku").exists(), reason="the command is not installed here")
@pytest.mark.parametrize(
    ("name", "lang", "says"),
    [
        ("README.md", "C.UTF-8", "Nothing was changed or lost."),
        pytest.param("README.ja.md", "ja_JP.UTF-8", "改ざん・欠落はありません。", marks=pytest.mark.slow),
    ],
)
def test_the_commands_of_the_readme_work(name: str, lang: str, says: str, tmp_path: Path) -> None:
    said, place = run_blocks(name, tmp_path, lang)
    assert said.count(says) == 2  # `verify` without the key, and with it
    command = [str(Path(sys.prefix, "bin", "tsuwaroku")), "calls", "--json", "--store", str(place / "store")]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    # The press of the script, and the verb `mark` after it.
    assert [(call["line"], call["outcome"], call["integrity"], call["marks"]) for call in listed] == [
        ("1", "answered", "sealed", 2)
    ]


@pytest.mark.parametrize("name", READMES)
def test_every_script_named_is_there_and_has_the_options_named_beside_it(name: str) -> None:
    named = set(re.findall(r"\bscripts/[a-z-]+", read(name)))
    assert named >= {"scripts/run", "scripts/test", "scripts/setup"}
    for script in named:
        assert os.access(ROOT / script, os.X_OK), script
    for line in "".join(sh_blocks(name)).splitlines():
        if line.startswith("scripts/"):
            usage = subprocess.run(
                [ROOT / line.split()[0], "--help"], capture_output=True, text=True, check=True
            ).stdout
            assert [option for option in re.findall(r"--[a-z-]+", line) if option not in usage] == [], line


def verbs() -> dict[str, Any]:
    """Every verb and its command, nested ones as "keys init"."""
    group: Any = typer.main.get_command(app)
    found: dict[str, Any] = dict(group.commands)
    for name, command in group.commands.items():
        below: dict[str, Any] = getattr(command, "commands", {})
        found |= {f"{name} {sub}": each for sub, each in below.items()}
    return found


def misused(text: str) -> list[str]:
    """What is wrong with `tsuwaroku [--config FILE] VERB …` by the command line's own tables."""
    words = re.sub(r"\s+#.*|[|>].*", "", text).split()[1:]
    if words[:1] == ["--config"]:
        words = words[2:]
    known = verbs()
    if not words or words[0].startswith(("-", "VERB")):
        return []
    pair = " ".join(words[:2])
    command = known.get(pair) or known.get(words[0])
    if command is None:
        return [f"{words[0]} is no verb"]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return [f"{words[0]} has no {word}" for word in words if word.startswith("--") and word not in options]


# FORMAT.md names signature domains, "tsuwaroku slot 1", and no commands.
@pytest.mark.parametrize("name", [name for name in DOCUMENTS if not name.endswith("FORMAT.md")])
def test_every_tsuwaroku_command_named_exists(name: str) -> None:
    wrong = {text: misused(text) for text in code(name) if text.startswith("tsuwaroku ")}
    assert {text: found for text, found in wrong.items() if found} == {}


def test_a_wrong_command_would_be_found() -> None:
    assert misused("tsuwaroku erase 1") == ["erase is no verb"]
    assert misused("tsuwaroku --config F calls --store D --loud") == ["calls has no --loud"]
    assert misused("tsuwaroku keys init --key-out FILE --colour") == ["keys has no --colour"]


def test_the_readme_lists_every_verb() -> None:
    listed = re.search(r"the verbs `([a-z -]+)`", read("README.md"))
    assert listed is not None
    assert sorted(listed[1].split()) == sorted(name for name in verbs() if " " not in name)
    changes = re.search(r"^- Commands (.*?), in Japanese", read("CHANGELOG.md"), re.M)
    assert changes is not None
    assert sorted(re.findall(r"`([a-z-]+)`", changes[1])) == sorted(listed[1].split())


# -- links, files, tests


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", read(name)) if "://" not in target]
    here = (ROOT / name).parent
    assert [target for target in targets if not (here / target.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_each_readme_leads_to_the_other_documents(name: str) -> None:
    targets = set(re.findall(r"\]\(([^)\s]+)\)", read(name)))
    others = {"firmware/DESIGN.md", "firmware/GLOSSARY.md", "firmware/tsuwaroku/store/FORMAT.md", "hw/LABEL.md"}
    assert targets >= others | {"LICENSE", "CHANGELOG.md", *READMES} - {name}


def test_every_module_and_file_the_design_names_exists() -> None:
    named = {text for text in code("firmware/DESIGN.md") if re.fullmatch(r"[\w/]+\.(py|md)", text)}
    assert len(named) > 40
    assert sorted(text for text in named if not (PACKAGE / text).exists() and not (ROOT / text).exists()) == []


def test_every_package_the_readme_lays_out_exists() -> None:
    tree = section("README.md", "Layout").split("```")[1]
    named = re.findall(r"^  ([a-z/ ]+?)  ", tree, re.M)
    words = {word.strip("/") for line in named for word in line.split()}
    assert words == {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()} - {
        *("__init__", "__pycache__")
    }


@pytest.mark.parametrize(
    ("name", "heading"),
    [("firmware/DESIGN.md", "Invariants"), ("README.md", "Promises, and the tests that try to break them")],
)
def test_every_promise_has_tests_and_they_exist(name: str, heading: str) -> None:
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", section(name, heading), re.M)[1:]
    assert len(rows) >= 6
    for promise, cell in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)`", cell)
        assert named, f"nothing tries to break: {promise}"
        for test in named:
            assert (ROOT / test).is_file(), test
            assert re.search(r"^\s*(async )?def test_|^class Test", read(test), re.M), f"{test} has no test"


PARAGRAPHS = {
    *("1", "2", "3", "4(1)", "4(2)", "5", "6(1)", "6(2)", "6(3)", "7(1)", "7(2)", "8(1)", "8(1) proviso"),
    *("8(2)", "8(3)", "9(1)", "9(2)", "9(3)", "9(4)", "9(5)", "10(1)", "11", "form"),
}
"""Of the ordinance; Article 10's items are one row."""


def test_every_paragraph_of_the_ordinance_is_kept_by_code_and_tests() -> None:
    text = section("firmware/DESIGN.md", "Disclosure, publication, ledgers")
    rows = re.findall(r"^\| (\d+(?:\(\d\))?(?: proviso)?|form)(?=[ :]).*? \| (.+?) \| (.+) \|$", text, re.M)
    assert {paragraph for paragraph, _, _ in rows} == PARAGRAPHS
    for paragraph, kept, tried in rows:
        code = re.findall(r"`([\w/]+\.(?:py|typ|md))`", kept)
        tests = re.findall(r"`(tests/[\w/]+\.py)`", tried)
        assert code, f"nothing keeps {paragraph}"
        assert all((ROOT / "firmware/tsuwaroku" / path).is_file() for path in code), paragraph
        assert tests, f"nothing tries to break {paragraph}"
        for test in tests:
            assert re.search(r"^\s*(async )?def test_|^class Test", read(test), re.M), f"{test} has no test"


# -- names and numbers


@pytest.mark.parametrize("name", READMES)
def test_exit_codes_are_those_of_the_code(name: str) -> None:
    table = re.findall(r"^\| (\d+) \| (?:`(\w+)`)?", read(name), re.M)
    classes = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, errors.TsuwarokuError)]
    known = {(str(c.exit_code), c.__name__) for c in classes if c is not errors.TsuwarokuError}
    assert set(table) == known | {(str(number), "") for number in UNCLASSED_CODES}
    assert len(table) == len(set(table))


@pytest.mark.parametrize("name", [*READMES, "firmware/DESIGN.md", "firmware/GLOSSARY.md"])
def test_every_name_in_code_font_occurs_in_the_code(name: str) -> None:
    """Alarm codes, options, effects, outcomes: whatever has an underscore. What is to come is named under Not yet."""
    later = set(re.findall(r"`(\w+)`", section(name, "Not yet"))) if name.endswith("DESIGN.md") else set()
    text = "\n".join(sources().values())
    quotes = [quoted for quoted in code(name) if not quoted.startswith("tests/")]
    words = {word for quoted in quotes for word in re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", quoted)}
    assert sorted(word for word in words - later if not re.search(rf"\b{word}\b", text)) == []


def test_what_the_design_calls_an_alarm_is_one() -> None:
    text = read("firmware/DESIGN.md")
    named = set(re.findall(r"alarm `(\w+)`|`(\w+)` stands", text))
    codes = {one or other for one, other in named}
    assert codes
    assert codes <= set(ALARMS)


def test_the_glossary_gives_the_defaults_of_the_configuration() -> None:
    defaults = {
        field.encode_name: field.default
        for struct in (config.LineTimers, config.LineNotice, config.StoreConfig)
        for field in msgspec.structs.fields(struct)
    }
    given = dict(re.findall(r"`(\w+)` (\d+(?:\.\d+)?)\b", read("firmware/GLOSSARY.md")))
    assert given.keys() >= {"ring_timeout_s", "bounce_ms", "hang_up_s", "latest_s"}
    assert {key: float(value) for key, value in given.items()} == {key: defaults[key] for key in given}


def test_no_name_in_the_code_is_a_word_the_glossary_forbids() -> None:
    line = re.search(r"^No name in the code may contain (.*):", read("firmware/GLOSSARY.md"), re.M)
    assert line is not None
    forbidden = set(re.findall(r"`(\w+)`", line[1]))
    assert forbidden >= {"panic", "purge", "mock"}
    column = " ".join(re.findall(r"\| ([^|\n]*) \|$", read("firmware/GLOSSARY.md"), re.M))
    assert sorted(word for word in forbidden if word not in column) == []
    found = []
    for path, text in sources().items():
        tree = ast.parse(text)
        definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        names = [path.stem] + [node.name for node in ast.walk(tree) if isinstance(node, definitions)]
        found += [f"{path.name}: {name}" for name in names if parts(name) & forbidden]
    assert found == []


def parts(name: str) -> set[str]:
    """The words of a name: "PressIgnored" and "press_ignored" have two."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def test_the_words_of_a_name() -> None:
    assert parts("PressIgnored") == parts("press_ignored") == {"press", "ignored"}
    assert parts("LEDPanel") == {"led", "panel"}


def test_the_label_says_what_it_must() -> None:
    text = read("hw/LABEL.md")
    window, days = config.LineTimers().mark_window_s, config.StoreConfig().retention_days
    assert f"{window:.0f}秒以内" in text
    assert f"within {window:.0f} s" in text
    assert f"押しただけでは、{days}日を超えて保存されません" in text
    assert f"A mark alone does not keep a call beyond {days} days" in text
    assert text.index("押しただけでは") < text.index("管理責任者へ申し出て") < text.index("**Lamp**")
    assert text.count("\n") <= 40  # one page


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    first = re.search(r"^## (\S+) \((unreleased|\d{4}-\d{2}-\d{2})\)$", read("CHANGELOG.md"), re.M)
    assert first is not None
    assert first[1] == version


@pytest.mark.parametrize("name", READMES)
def test_the_readme_names_the_voice_and_its_licence(name: str) -> None:
    made = tomllib.loads(read("firmware/tsuwaroku/notice/data/announcement.toml"))
    assert made["licence"].replace("-", " ", 1).replace("-", " ") in read(name)
    assert "Mei" in made["attribution"]
    assert "Mei" in read(name)


def test_bash_is_there_for_the_readme() -> None:
    assert shutil.which("bash")
