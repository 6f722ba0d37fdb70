"""Every text for people that the source holds, as templates: `{}` for each expression of an f-string."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tsuwaroku import errors

ROOT = Path(errors.__file__).parent
ERRORS = {node.name for node in ast.parse(Path(errors.__file__).read_text()).body if isinstance(node, ast.ClassDef)}

# What a call of this name says to people: the positions and keywords of its texts.
SPOKEN: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    **dict.fromkeys(ERRORS, ((0,), ("remedy",))),
    "FormatError": ((0,), ()),
    "Unsound": ((0,), ()),
    "Finding": ((2, 3), ()),
    "BoardFault": ((2,), ()),
    "Anomaly": ((1,), ()),
    "_note": ((0,), ()),
    "_tell": ((0,), ()),
    "_lost": ((2,), ()),
    "_fault": ((0, 1), ()),
    "_fail": ((0,), ()),
    "_failure": ((1,), ()),
    "_unusable": ((1,), ()),
    "unusable": ((1,), ()),
    "set": ((), ("detail",)),
    "_no_twins": ((1,), ()),
    "_unlike": ((1,), ()),
    "Problem": ((1, 2), ()),
    "Recognition": ((1, 2), ()),
    "Unusable": ((1, 2), ()),
    "_failed": ((0,), ()),
    "NotWipedError": ((0,), ("remedy",)),
    "_weak": ((0,), ()),
}
# Here every list of texts is one of problems, notes or warnings.
LISTING = {
    "store/verify.py",
    "store/verify_erasure.py",
    "store/scan.py",
    "store/reader.py",
    "store/auditcheck.py",
    "store/catalogue.py",
    "store/journal.py",
    "store/journal_reader.py",
    "store/recovery.py",
    "store/whole.py",
    "exchange/script.py",
    "notice/level.py",
    "disclosure/medium.py",
}


def templates() -> dict[str, set[str]]:
    """Template -> the modules that say it."""
    found: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        module = str(path.relative_to(ROOT))
        for text in _Module(module, ast.parse(path.read_text(encoding="utf-8"))).spoken():
            if re.search("[A-Za-z]", text.replace("{}", "")):
                found.setdefault(text, set()).add(module)
    return found


class _Module:
    """One module: what its names may hold and its functions return, as far as these are texts."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self._name = name
        self._tree = tree
        self._values: dict[str, list[ast.expr]] = {}
        self._returned: dict[str, list[ast.expr]] = {}
        self._seen: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind(target, node.value)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                self._bind(node.target, node.value)
            elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
                for value in node.iter.elts:
                    self._bind(node.target, value)
            elif isinstance(node, ast.FunctionDef):
                self._returned[node.name] = [
                    part.value for part in ast.walk(node) if isinstance(part, ast.Return) and part.value is not None
                ]

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._values.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, its in zip(target.elts, value.elts, strict=True):
                self._bind(one, its)

    def spoken(self) -> Iterator[str]:
        """The templates of every text this module says."""
        for said in self._said():
            self._seen = set()
            yield from self._texts(said)

    def _said(self) -> Iterator[ast.expr]:
        listing = self._name in LISTING
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                positions, keywords = SPOKEN.get(name, ((), ()))
                yield from (node.args[at] for at in positions if at < len(node.args))
                yield from (keyword.value for keyword in node.keywords if keyword.arg in keywords)
                if listing and name == "append":
                    yield from (arg for arg in node.args if _is_sentence(arg))
            elif listing and isinstance(node, ast.List):
                yield from (one for one in node.elts if _is_sentence(one))
            elif listing and isinstance(node, ast.ListComp) and _is_sentence(node.elt):
                yield node.elt
            elif listing and isinstance(node, ast.Yield) and node.value is not None and _is_sentence(node.value):
                yield node.value

    def _texts(self, node: ast.expr) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=values):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
            case ast.IfExp(body=body, orelse=orelse):
                yield from self._texts(body)
                yield from self._texts(orelse)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                for first in list(self._texts(left)) or ["{}"]:
                    yield from (first + second for second in list(self._texts(right)) or ["{}"])
            case ast.Name(id=name) if name not in self._seen:
                self._seen.add(name)
                for value in self._values.get(name, ()):
                    yield from self._texts(value)
            case ast.Call(func=ast.Name(id=name)) if name not in self._seen:
                self._seen.add(name)
                for value in self._returned.get(name, ()):
                    yield from self._texts(value)


def _is_sentence(node: ast.expr) -> bool:
    """More than one word, as no key, column or unit is."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.Constant) and " " in str(part.value).strip() for part in node.values) or (
            sum(isinstance(part, ast.Constant) for part in node.values) > 1
        )
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
