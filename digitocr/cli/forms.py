"""``digitocr form … | template …``; what they need is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitocr.cli import options, overview
from digitocr.cli.console import Console, say, warn
from digitocr.errors import ExitStatus
from digitocr.settings import load_settings

form_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True,
    help="Print forms, and export their tables.",
)  # fmt: skip

template_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True,
    help="Find, show and test the fields of a form.",
)  # fmt: skip

_Template = Annotated[Path, typer.Argument(help="A template.", metavar="TEMPLATE.yaml")]


def register(app: typer.Typer) -> None:
    """Add the commands.

    Parameters
    ----------
    app : typer.Typer
    """
    form_app.command()(make)
    form_app.command()(export)
    app.add_typer(form_app, name="form", rich_help_panel=overview.FORMS)
    template_app.command()(detect)
    template_app.command()(show)
    template_app.command("test")(judge)
    app.add_typer(template_app, name="template", rich_help_panel=overview.FORMS)


def make(
    specification: Annotated[Path, typer.Argument(help="Specification of the form, in YAML.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The PDF; template and picture are written beside it.")
    ] = Path("form.pdf"),
) -> None:
    """Make a form to print from a specification, with the template that reads it."""

    def command() -> int:
        from digitocr.forms import printing

        for path in printing.make(specification, output):
            say(f"{path}")
        return ExitStatus.OK

    Console().run(command)


def export(
    output: Annotated[Path, typer.Argument(help="The Excel workbook to write.", metavar="FORMS.xlsx")],
    results: options.Results = None,
    state: options.State = None,
    config: options.Config = None,
) -> None:
    """Write the tables of all forms into an Excel workbook, one sheet each. All cells are text: zeros stay."""

    def command() -> int:
        from digitocr.results import forms

        settings = load_settings({"results": results, "state": state}, config)
        say(f"{output}: {forms.export(settings, output)} pages")
        return ExitStatus.OK

    Console().run(command)


def detect(
    blank: Annotated[Path, typer.Argument(help="A scan or photo of the empty form, upright.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The template.", show_default="BLANK.yaml")
    ] = None,
) -> None:
    """Find the boxes, cells and writing lines of an empty form, and write a first template to correct by hand."""

    def command() -> int:
        from digitocr.forms import sketch

        template, written = sketch.detect(blank, output or Path(f"{blank.stem}.yaml"))
        for path in written:
            say(f"{path}")
        say(f"{len(template.fields)} fields found: name them, and remove those that are not fields")
        return ExitStatus.OK

    Console().run(command)


def show(
    template: _Template,
    page: Annotated[Path, typer.Argument(help="A scan or photo of the form, filled in or not.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The picture.", show_default="PAGE.fields.png")
    ] = None,
) -> None:
    """Draw the fields of a template over a page, to check their positions."""

    def command() -> int:
        from digitocr.forms import sketch

        picture = output or Path(f"{page.stem}.fields.png")
        found = sketch.show(template, page, picture)
        say(f"{picture}")
        say(f"alignment error: {found.residual:.1f} px (page scaled to 2000 px high)")
        return ExitStatus.OK

    Console().run(command)


def judge(
    templates: Annotated[Path, typer.Argument(help="A folder of templates.")],
    truth: Annotated[
        Path,
        typer.Argument(
            help="The right texts, in a table beside the pages: file, field, text.", metavar="TRUTH.csv"
        ),
    ],
    model: options.Model = None,
) -> None:
    """Read labelled pages with templates, and print how many fields are right and which are wrong."""

    def command() -> int:
        from digitocr.forms.template_file import load_folder
        from digitocr.pipeline import reader_of
        from digitocr.records import Source
        from digitocr.training.calibrate import form_accuracy

        forms, said = load_folder(templates), form_accuracy.read_truth(truth)
        reader = reader_of(load_settings({"templates": templates, "model": model})).result()
        files = dict.fromkeys(file for file, _ in said)
        results = [reader.read([Source(truth.parent / file, file)])[0].result for file in files]
        for result in results:
            if result.error:
                warn(f"{result.file}: {result.error}")
        for line in form_accuracy.report(list(form_accuracy.judge(results, said, forms))):
            say(line)
        return ExitStatus.OK

    Console().run(command)
