"""Checksums by name.

Sources: ISO/IEC 7812-1 annex B (Luhn), the GS1 General Specifications 7.9 (``mod10``, weights 3 and 1 from the right,
as in EAN and GTIN), the ISBN-10 rule (``mod11``, weights 2, 3, 4, … from the right, remainder 10 written X), and
ISO/IEC 7064:2003 for the pure systems ``mod11-2``, ``mod97-10`` and the hybrid system ``mod11-10``.
"""

from __future__ import annotations

from collections.abc import Callable


def luhn(digits: str) -> bool:
    """Tell whether digits end in their Luhn check digit: payment cards, IMEI.

    Parameters
    ----------
    digits : str

    Returns
    -------
    bool

    Examples
    --------
    >>> luhn("79927398713"), luhn("79927398710")
    (True, False)
    """
    total = 0
    for i, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + i % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0


def mod10(digits: str) -> bool:
    """Tell whether digits end in their check digit with the weights 3 and 1: EAN, GTIN, ISBN-13.

    Parameters
    ----------
    digits : str

    Returns
    -------
    bool

    Examples
    --------
    >>> mod10("4006381333931"), mod10("4006381333932")
    (True, False)
    """
    return sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(reversed(digits))) % 10 == 0


def mod11(digits: str) -> bool:
    """Tell whether digits end in their check digit with the weights 2, 3, 4, …: ISBN-10, without the X.

    Parameters
    ----------
    digits : str

    Returns
    -------
    bool

    Examples
    --------
    >>> mod11("0306406152"), mod11("0306406153")
    (True, False)
    """
    return sum(int(d) * weight for weight, d in enumerate(reversed(digits), 1)) % 11 == 0


def mod11_2(digits: str) -> bool:
    """Tell whether digits end in their check digit of ISO/IEC 7064, MOD 11-2: ORCID and ISNI, without the X.

    Parameters
    ----------
    digits : str

    Returns
    -------
    bool

    Examples
    --------
    >>> mod11_2("0000000218250097"), mod11_2("0000000218250079")
    (True, False)
    """
    total = 0
    for digit in digits:
        total = total * 2 + int(digit)
    return total % 11 == 1


def mod97_10(digits: str) -> bool:
    """Tell whether digits end in their two check digits of ISO/IEC 7064, MOD 97-10: as in IBAN.

    Parameters
    ----------
    digits : str

    Returns
    -------
    bool

    Examples
    --------
    >>> mod97_10("79444"), mod97_10("79445")
    (True, False)
    """
    return int(digits or "0") % 97 == 1


def mod11_10(digits: str) -> bool:
    """Tell whether digits end in their check digit of ISO/IEC 7064, MOD 11,10: the German tax number.

    Parameters
    ----------
    digits : str

    Returns
    -------
    bool

    Examples
    --------
    >>> mod11_10("07945"), mod11_10("07946")
    (True, False)
    """
    check = 10
    for digit in digits[:-1]:
        check = ((check + int(digit)) % 10 or 10) * 2 % 11
    return bool(digits) and (check + int(digits[-1])) % 10 == 1


CHECKSUMS: dict[str, Callable[[str], bool]] = {
    "luhn": luhn,
    "mod10": mod10,
    "mod11": mod11,
    "mod11-2": mod11_2,
    "mod11-10": mod11_10,
    "mod97-10": mod97_10,
}
"""By the name that a template gives as `checksum`."""
