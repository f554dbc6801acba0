"""Files of networks that come with the package, beside the model."""

from __future__ import annotations

import hashlib
import json

from digitocr.errors import ModelError
from digitocr.networks.card import shipped_model

_HINT = "install the program again: the network comes with it"


def shipped_part(name: str) -> bytes:
    """Return a file of a shipped network, held against its card.

    Parameters
    ----------
    name : str
        Of the file.

    Returns
    -------
    bytes

    Raises
    ------
    ModelError
        It is missing or damaged.
    """
    path = shipped_model().with_name(name)
    try:
        part = path.read_bytes()
        card = json.loads(path.with_suffix(".json").read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"the network {path} cannot be read: {error}", hint=_HINT) from error
    if hashlib.sha256(part).hexdigest() != card["sha256"]:
        raise ModelError(f"the network {path} is damaged", hint=_HINT)
    return part
