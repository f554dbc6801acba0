"""Which fields of a dataclass its docstring names under Attributes."""

import re


def documented(cls):
    """The names before each `` : type``, in order."""
    _, _, attributes = cls.__doc__.partition("Attributes\n    ----------\n")
    lines = re.findall(r"^    (\w+(?:, \w+)*) : \w", attributes, flags=re.MULTILINE)
    return [name for line in lines for name in line.split(", ")]
