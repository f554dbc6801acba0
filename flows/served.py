"""What runs of ``digitocr deploy`` may be asked for through Prefect's API, which anyone on the machine can reach.

A server has no password by default, and a run could be told to empty another folder or to write elsewhere. So folders
and files come from the process that serves, in a variable that its runs inherit, and never from the API.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digitocr.errors import UsageError

VARIABLE = "DIGITOCR_SERVED"

_FREE = frozenset({"threshold", "second_reader", "annotate", "reprocess"})
"""Settings that a run may be given."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked for.

    Attributes
    ----------
    folder, config : str or None
    flags : mapping of str to object
        Settings that outweigh the environment and the settings file.
    """

    folder: str | None
    flags: Mapping[str, Any]
    config: str | None


def announce(folder: str, flags: Mapping[str, Any]) -> None:
    """Fix what the runs that this process serves work on.

    Parameters
    ----------
    folder : str
    flags : mapping of str to object
    """
    os.environ[VARIABLE] = json.dumps({"folder": folder, "flags": dict(flags)})


def asked(flags: Mapping[str, Any] | None, config: str | None = None, folder: str | None = None) -> Asked:
    """Return what a run is asked for.

    Parameters
    ----------
    flags : mapping of str to object, optional
        Settings, as the API passed them.
    config, folder : str, optional

    Returns
    -------
    Asked

    Raises
    ------
    UsageError
        If the run is served, and the API passed anything that could lead out of its folders.
    """
    flags = flags or {}
    if VARIABLE not in os.environ:
        return Asked(folder, flags, config)
    places = {"config": config, "folder": folder}
    refused = [*(flags.keys() - _FREE), *(name for name, value in places.items() if value)]
    if refused:
        raise UsageError(
            f"a served run takes no {', '.join(sorted(refused))} from Prefect's API",
            hint="set it where `digitocr deploy` runs, and start that again",
        )
    served = json.loads(os.environ[VARIABLE])
    return Asked(served["folder"], served["flags"] | dict(flags), None)
