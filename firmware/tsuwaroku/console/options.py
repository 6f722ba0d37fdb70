"""Options that several verbs share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsuwaroku.console.texts import h

StoreOption = Annotated[Path | None, typer.Option("--store", metavar="DIR", help=h("opt.store"), show_default=False)]
KeyOption = Annotated[Path | None, typer.Option("--key", metavar="FILE", help=h("opt.key"), show_default=False)]
PassphraseOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help=h("opt.passphrase_file"), show_default=False),
]
RecoveryOption = Annotated[
    Path | None,
    typer.Option("--recovery-file", metavar="FILE", help=h("opt.recovery_file"), show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help=h("opt.json"), show_default=False)]
CallArgument = Annotated[str, typer.Argument(metavar="ID", help=h("arg.id"), show_default=False)]
