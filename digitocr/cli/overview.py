"""Overviews of the commands: ``digitocr --help`` shows the everyday ones, ``digitocr help --all`` all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from digitocr.cli.console import say

READ, REVIEW, FORMS, MODELS, KEEP = GROUPS = ("Read", "Review", "Forms", "Models", "Keep")
"""The groups of commands, in their order."""

EVERYDAY = (
    *("run", "watch", "serve", "read", "review", "apply", "form", "template", "train", "predict"),
    *("status", "ledger"),
)
"""The commands that most people need, in the order in which they need them."""

EXAMPLES = (
    ("digitocr run ~/scans --results ~/tables", "read a folder, and leave it as it is"),
    ("digitocr review --results ~/tables", "settle what is uncertain"),
)

_MORE = (
    "digitocr COMMAND --help    the options of a command",
    "digitocr help --all        all commands",
    "Other options: --version, --install-completion, --show-completion",
)


class Overview(TyperGroup):
    """The commands of ``digitocr``; its help is the overview."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002, RUF100 - as Typer calls it
        """Print the everyday commands."""
        show(ctx, _everyday(self.list_commands(ctx)))


def help_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Show every command.")] = False,  # noqa: FBT002
) -> None:
    """Show the everyday commands, or all."""
    above: Any = ctx.parent or ctx
    names = above.command.list_commands(above)
    show(above, _everyday(names) + [name for name in names if every and name not in EVERYDAY])
    say("")  # with --help, Typer ends the line


def show(ctx: Any, names: Sequence[str]) -> None:  # noqa: ANN401 - Typer's own type is private
    """Print commands by group, with examples.

    Parameters
    ----------
    ctx : typer.Context
        Of the group that has the commands.
    names : sequence of str
    """
    from rich.console import Console
    from rich.table import Table

    commands = Table.grid(padding=(0, 2, 0, 0))
    commands.add_column(style="bold", no_wrap=True)
    commands.add_column(style="bold cyan", no_wrap=True)
    commands.add_column()
    for cells in _rows(ctx, names):
        commands.add_row(*cells)
    examples = Table.grid(padding=(0, 2, 0, 0))
    for example in EXAMPLES:
        examples.add_row(*example)
    console = Console(highlight=False)
    console.print(f"Usage: {ctx.command_path} COMMAND ...\n\n{ctx.command.help}\n", markup=False)
    console.print(commands)
    console.print()
    console.print(examples)
    console.print("\n" + "\n".join(_MORE), end="")


def _everyday(names: Collection[str]) -> list[str]:
    return [name for name in EVERYDAY if name in names]


def _rows(ctx: Any, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401
    """Yield group, name and summary of commands; the group only where it begins."""
    found = [ctx.command.get_command(ctx, name) for name in names]
    for group in GROUPS:
        members = [command for command in found if command.rich_help_panel == group]
        for index, command in enumerate(members):
            yield "" if index else group, command.name, summary(command.help)


def summary(text: str | None) -> str:
    """Return the first sentence of the help of a command, without its full stop.

    Parameters
    ----------
    text : str or None

    Returns
    -------
    str

    Examples
    --------
    >>> summary("Read single files. Writes no tables.")
    'Read single files'
    """
    return (text or "").partition("\n")[0].partition(". ")[0].rstrip(".")
