"""What the commands have in common that draw pictures, train a network on them, and keep it."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRecipe:
    """How a network is made of drawings.

    Attributes
    ----------
    data : Path
        Folder of the archives; any of them may be missing.
    work : Path
        Folder for drawings and checkpoints.
    """

    data: Path = field(default_factory=lambda: Path(os.environ.get("DIGITOCR_DATA", "../shared/data")))
    work: Path = Path("training-out")

    @property
    def data_dir(self) -> Path | None:
        """The folder of data, None where it does not exist."""
        return self.data if self.data.is_dir() else None


def recipe_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser of what all such commands take; an option that is not given has no value.

    Parameters
    ----------
    module : str
        Of the command, in ``digitocr.training``.
    description : str or None

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m digitocr.training.{module}",
        description=description,
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("--data", type=Path, help="folder with the archives, as far as present")
    add("--work", type=Path, help="folder for drawings and checkpoints")
    add("--seed", type=int)
    return parser
