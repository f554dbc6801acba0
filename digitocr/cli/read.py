"""``digitocr read``: the numbers of single files on standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from digitocr.cli import options, overview
from digitocr.cli.console import Console, say, warn
from digitocr.cli.report import print_numbers
from digitocr.errors import ExitStatus
from digitocr.forms.template import Template
from digitocr.records import FileResult, FileStatus
from digitocr.results.tables import NUMBERS, number_rows
from digitocr.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command.

    Parameters
    ----------
    app : typer.Typer
    """
    app.command(rich_help_panel=overview.READ)(read)


def read(
    files: Annotated[list[Path], typer.Argument(help="Scans and photos.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per file.")] = False,  # noqa: FBT002
    threshold: options.Threshold = None,
    model: options.Model = None,
    templates: options.Templates = None,
    second_reader: options.SecondReader = None,
) -> None:
    """Print the numbers of single files. Writes no tables and no ledger."""
    console = Console(as_json=as_json)

    def command() -> int:
        from digitocr.forms.template_file import load_folder
        from digitocr.pipeline import reader_of
        from digitocr.records import Source

        given = {
            "threshold": threshold,
            "model": model,
            "templates": templates,
            "second_reader": second_reader,
        }
        settings = load_settings(given)
        templates_given = load_folder(settings.templates) if settings.templates else ()
        forms = {template.name: template for template in templates_given}
        reader = reader_of(settings).result()
        failed = False
        for path in files:  # one by one, so that each is printed as soon as it is read
            result = reader.read([Source(path, path.as_posix())])[0].result
            failed |= result.status in (FileStatus.FAILED, FileStatus.PARTIAL)
            if result.error and not as_json:
                warn(f"{result.file}: {result.error}")
            _show(result, console, forms)
        return ExitStatus.SOME_FAILED if failed else ExitStatus.OK

    console.run(command)


def _show(result: FileResult, console: Console, forms: Mapping[str, Template]) -> None:
    """Print what was read in a file: JSON, a table on a terminal, or lines for other programs."""
    if console.as_json or not sys.stdout.isatty():
        console.result(asdict(result) | {"status": result.status.value}, _lines(result))
    elif any(page.numbers for page in result.pages):
        rows = number_rows(result, result.file, forms)
        print_numbers([dict(zip(NUMBERS, row, strict=True)) for row in rows])
    elif not result.error:
        say(f"{result.file}: no numbers found")


def _lines(result: FileResult) -> Iterator[str]:
    """Yield a line per number: file, page, text, confidence, status, reasons and, if it has one, field."""
    for page in result.pages:
        for number in page.numbers:
            cells = (
                result.file,
                str(page.index),
                number.text,
                f"{number.confidence:.4f}",
                number.status,
                "; ".join(number.reasons),
            )
            yield "\t".join([*cells, *([number.field] if number.field else [])])
