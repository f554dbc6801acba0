"""``python -m digitocr``: sub-commands, whose modules are imported when they are called."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from digitocr import errors
from digitocr.cli import console, forms, ledger, training
from digitocr.cli import review as web
from digitocr.records import FileResult, FileStatus
from digitocr.settings import load_settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def _digitocr() -> None:
    """Handwritten numbers off paper and into tables people trust."""


@app.command()
def read(
    files: Annotated[list[Path], typer.Argument(help="Scans and photos.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,  # noqa: FBT002
    threshold: Annotated[float | None, typer.Option(help="Accept numbers from this confidence on.")] = None,
    model: Annotated[Path | None, typer.Option(help="A model instead of the shipped one.")] = None,
    templates: Annotated[Path | None, typer.Option(help="A folder of templates of forms.")] = None,
) -> None:
    """Read single files and print their numbers; no tables, no ledger."""
    console.set_up(quiet=False, verbose=False)
    settings = {"threshold": threshold, "model": model, "templates": templates}
    raise typer.Exit(errors.guarded(partial(_read, files, as_json, settings)))


def _read(files: Sequence[Path], as_json: bool, flags: Mapping[str, Any]) -> int:  # noqa: FBT001
    from digitocr.pipeline import reader_of
    from digitocr.records import Source

    settings = load_settings(flags)
    reader = reader_of(settings).result()
    failed = False
    for path in files:  # one by one: what is read is shown at once
        result = reader.read([Source(path, path.as_posix())])[0].result
        failed |= result.status in (FileStatus.FAILED, FileStatus.PARTIAL)
        _show(result, as_json=as_json)
    return 1 if failed else 0


def _show(result: FileResult, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(asdict(result) | {"status": result.status.value}) + "\n")
        return
    if result.error:
        sys.stderr.write(f"{result.file}: {result.error}\n")
    for page in result.pages:
        for number in page.numbers:
            reasons = "; ".join(number.reasons)
            cells = (
                result.file,
                str(page.index),
                number.text,
                f"{number.confidence:.4f}",
                number.status,
                reasons,
            )
            sys.stdout.write("\t".join([*cells, *([number.field] if number.field else [])]) + "\n")


training.register(app)
web.register(app)
ledger.register(app)
forms.register(app)


def main() -> None:
    """Run the command."""
    app()
