"""Amounts of money as people write them: digits, and the marks between and behind them."""

from __future__ import annotations

import numpy as np

from digitocr.training.synth.pen import Token
from digitocr.training.synth.strokes import Random


def amount(rng: Random, longest: int = 9) -> str:
    """Draw the digits of an amount: small leading digits and trailing zeros are common.

    Parameters
    ----------
    rng : numpy.random.Generator
    longest : int
        Most digits, 1 to 9.

    Returns
    -------
    str
    """
    length = int(
        min(rng.choice(np.arange(1, 10), p=[0.07, 0.1, 0.14, 0.22, 0.22, 0.13, 0.06, 0.04, 0.02]), longest)
    )
    digits = rng.integers(0, 10, length)
    if rng.random() < 0.5:
        digits[0] = min(9, int(10 ** rng.random()))
    if rng.random() < 0.32:
        digits[length - int(rng.integers(0, length)) :] = 0
    if rng.random() < 0.12:
        digits[:] = digits[rng.integers(0, length, length)]  # repeated digits are more common than by chance
    return "".join(str(d) for d in digits)


def amount_tokens(rng: Random, text: str, *, marks: float = 0.5) -> list[Token]:
    """Return the digits of an amount with the marks that people put between and after them.

    Parameters
    ----------
    rng : numpy.random.Generator
    text : str
        Digits.
    marks : float
        Probability that there are any marks, 0 to 1.

    Returns
    -------
    list of Token
    """
    tokens: list[Token] = []
    marked = rng.random() < marks
    stop = "" if not marked else ("." if rng.random() < 0.75 else "," if rng.random() < 0.8 else "'")
    spaced = rng.random() < 0.15
    for i, digit in enumerate(text):
        left = len(text) - i
        space = 0.0
        if i and left % 3 == 0:
            if stop and rng.random() < 0.9:
                tokens.append(Token(stop, digit=False))
            elif spaced:
                space = float(rng.uniform(0.1, 0.5))
        tokens.append(Token(digit, space=space))
    if rng.random() < 0.45 * marks * 2:
        # a dash rises at a number's end only: in a cell it would look like a 1
        tail = (".-", "=", "-", "rising", ".", ",", ".", "/", "$")[
            int(rng.choice(9, p=[0.2, 0.15, 0.17, 0.03, 0.25, 0.13, 0.03, 0.02, 0.02]))
        ]
        tokens.append(Token(tail, digit=False, space=float(rng.uniform(-0.05, 0.3))))
    if rng.random() < 0.05 * marks * 2:
        tokens.insert(0, Token(("$", "=", "-", "x")[int(rng.integers(4))], digit=False))
    return tokens
