"""Figures as text: aligned Markdown tables, shares in per cent."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.scoring import Share


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Lay out rows as an aligned Markdown table; the first row is the head.

    Parameters
    ----------
    lines : sequence of sequence of str
        All of the same length.

    Returns
    -------
    str

    Examples
    --------
    >>> print(markdown([("set", "n"), ("cells", "120")]))
    | set   |   n |
    |:------|----:|
    | cells | 120 |
    """
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rows = [
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |"
        for line in lines
    ]
    rule = "|:" + "-" * (widths[0] + 1) + "|" + "".join("-" * (w + 1) + ":|" for w in widths[1:])
    return "\n".join([rows[0], rule, *rows[1:]])


def per_cent(value: float | None) -> str:
    """Format a share in per cent with one decimal, '–' for None.

    Parameters
    ----------
    value : float or None

    Returns
    -------
    str

    Examples
    --------
    >>> per_cent(0.8751)
    '87.5'
    """
    return "–" if value is None else f"{100 * value:.1f}"


def with_interval(share: Share) -> str:
    """Format a share in per cent with its interval, '–' where there is nothing to share.

    Parameters
    ----------
    share : Share

    Returns
    -------
    str

    Examples
    --------
    >>> with_interval(Share(8, 10))
    '80.0 [49.0, 94.3]'
    """
    if share.value is None:
        return per_cent(None)
    low, high = share.interval()
    return f"{per_cent(share.value)} [{per_cent(low)}, {per_cent(high)}]"
