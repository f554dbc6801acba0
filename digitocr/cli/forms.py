"""``python -m digitocr form … | template …``; what they do is imported when they run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from digitocr import errors
from digitocr.cli import console
from digitocr.errors import UsageError

form_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, help="Forms to print."
)

template_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True,
    help="What stands where on a form.",
)  # fmt: skip

_Template = Annotated[Path, typer.Argument(help="A template.", metavar="TEMPLATE.yaml")]


def register(app: typer.Typer) -> None:
    """Add the sub-commands to the command line."""
    form_app.command()(make)
    form_app.command()(export)
    app.add_typer(form_app, name="form")
    template_app.command()(detect)
    template_app.command()(show)
    template_app.command("test")(judge)
    app.add_typer(template_app, name="template")


def make(
    specification: Annotated[Path, typer.Argument(help="A YAML file: what the form asks for.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The PDF; its template and picture are put beside it.")
    ] = Path("form.pdf"),
) -> None:
    """Print a form from a list of fields, together with the template by which it is read."""

    def command() -> int:
        from digitocr.forms import printing

        for path in printing.make(specification, output):
            _print(f"{path}")
        return 0

    _run(command)


def export(
    output: Annotated[Path, typer.Argument(help="The Excel workbook to write.", metavar="FORMS.xlsx")],
    results: Annotated[
        Path | None, typer.Option(help="Where the tables are.", show_default="results")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Where the ledger is.", show_default=".digitocr")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file.", show_default="digitocr.toml")] = None,
) -> None:
    """Write the tables of all forms as an Excel workbook, a sheet each; its cells are text, leading zeros stay."""

    def command() -> int:
        from digitocr import atomic
        from digitocr.results import forms as tables
        from digitocr.results import publish
        from digitocr.settings import load_settings
        from digitocr.store.ledger import Ledger

        settings = load_settings({"results": results, "state": state}, config)
        ledger_path = settings.state / "ledger.sqlite"
        if output.suffix.casefold() != ".xlsx":
            raise UsageError(f"{output} is no name for a workbook", hint="end it in .xlsx")
        if not ledger_path.exists():
            raise UsageError(f"nothing was read yet with the state folder {settings.state}")
        with Ledger(ledger_path, read_only=True) as ledger:
            job = ledger.find_job(settings.results)
            rows = list(publish.form_rows(ledger, job)) if job is not None else []
        if not rows:
            raise UsageError(
                f"no forms were read into {settings.results} yet", hint="read with --templates FOLDER"
            )
        atomic.write(output, tables.as_workbook(rows))
        _print(f"{output}: {len(rows)} pages")
        return 0

    _run(command)


def detect(
    blank: Annotated[Path, typer.Argument(help="A scan or photo of the empty form, upright.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The template; BLANK.yaml without it.")
    ] = None,
) -> None:
    """Find boxes, rows of cells and lines to write on, and write a first template, to be corrected by hand."""

    def command() -> int:
        from digitocr.forms import sketch

        template, written = sketch.detect(blank, output or Path(f"{blank.stem}.yaml"))
        for path in written:
            _print(f"{path}")
        _print(f"{len(template.fields)} fields found: name them, and remove what is none")
        return 0

    _run(command)


def show(
    template: _Template,
    page: Annotated[Path, typer.Argument(help="A scan or photo of the form, filled in or not.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The picture; PAGE.fields.png without it.")
    ] = None,
) -> None:
    """Draw the fields of a template over a page, to see whether they lie where they should."""

    def command() -> int:
        from digitocr.forms import sketch

        picture = output or Path(f"{page.stem}.fields.png")
        found = sketch.show(template, page, picture)
        _print(f"{picture}")
        _print(f"print lies {found.residual:.1f} pixels off, on a page 2000 pixels high")
        return 0

    _run(command)


def judge(
    templates: Annotated[Path, typer.Argument(help="A folder of templates.")],
    truth: Annotated[
        Path,
        typer.Argument(
            help="A table of what stands there, beside the pages: file, field, text.", metavar="TRUTH.csv"
        ),
    ],
    model: Annotated[Path | None, typer.Option(help="A model instead of the shipped one.")] = None,
) -> None:
    """Read labelled pages with templates and say how many fields are right, and which are not."""

    def command() -> int:
        from digitocr.forms.template_file import load_folder
        from digitocr.pipeline import reader_of
        from digitocr.records import Source
        from digitocr.settings import load_settings
        from digitocr.training.calibrate import form_accuracy

        forms, said = load_folder(templates), form_accuracy.read_truth(truth)
        reader = reader_of(load_settings({"templates": templates, "model": model})).result()
        files = dict.fromkeys(file for file, _ in said)
        results = [reader.read([Source(truth.parent / file, file)])[0].result for file in files]
        for result in results:
            if result.error:
                sys.stderr.write(f"{result.file}: {result.error}\n")
        for line in form_accuracy.report(list(form_accuracy.judge(results, said, forms))):
            _print(line)
        return 0

    _run(command)


def _run(command: Callable[[], int]) -> None:
    console.set_up(quiet=False, verbose=False)
    raise typer.Exit(errors.guarded(command))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
