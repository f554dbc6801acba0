"""Rules between the fields of a form: comparisons of sums, such as ``total == a + b + c``.

A rule is parsed into Python's syntax tree and walked here; nothing is ever evaluated as code.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

_COMPARISONS: dict[type[ast.cmpop], Callable[[Decimal, Decimal], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_OPERATIONS: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×"}
_MUST_BE: dict[type[ast.cmpop], str] = {
    ast.Eq: "",
    ast.NotEq: "other than ",
    ast.Lt: "less than ",
    ast.LtE: "at most ",
    ast.Gt: "more than ",
    ast.GtE: "at least ",
}
MAX_CHARACTERS = 4000
"""Of a rule."""

MAX_OPERATIONS = 200
"""Of a rule; they may be nested."""

_MOST = 10**18
"""Numbers of a rule are smaller, as are those of fields."""

Values = Mapping[str, Decimal | None]
"""The value of each field; None where it is unknown."""


class RuleError(ValueError):
    """An expression is not a rule; the message says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A comparison that must hold between fields.

    Attributes
    ----------
    name : str
        As people see it.
    text : str
        The expression.
    fields : tuple of str
        The fields it names, in order of their first mention.
    tree : ast.Compare
        The parsed expression.
    """

    name: str
    text: str
    fields: tuple[str, ...]
    tree: ast.Compare = field(repr=False, compare=False)

    def holds(self, values: Values) -> bool | None:
        """Tell whether the rule holds; None where one of its fields is unknown."""
        if any(values.get(name) is None for name in self.fields):
            return None
        terms = [self.tree.left, *self.tree.comparators]
        results = [evaluate(term, values) for term in terms]
        pairs = zip(results, self.tree.ops, results[1:], strict=False)
        return all(_COMPARISONS[type(op)](left, right) for left, op, right in pairs)


def parse(name: str, text: str, fields: Collection[str]) -> Rule:
    """Parse a rule.

    Parameters
    ----------
    name, text : str
    fields : collection of str
        Names the expression may use.

    Returns
    -------
    Rule

    Raises
    ------
    RuleError
        It is not a comparison, or uses anything but ``+ - *``, parentheses, whole or decimal numbers and fields.

    Examples
    --------
    >>> parse("sum", "total == a + b", ["a", "b", "total"]).fields
    ('total', 'a', 'b')
    """
    if len(text) > MAX_CHARACTERS:
        raise RuleError(f"a rule has at most {MAX_CHARACTERS} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise RuleError(f"{text[:80]!r} is not an expression") from None
    if not isinstance(tree, ast.Compare) or not all(type(op) in _COMPARISONS for op in tree.ops):
        raise RuleError(f"{text!r} is not a comparison: use == != < <= > or >=")
    if sum(isinstance(node, ast.BinOp | ast.UnaryOp) for node in ast.walk(tree)) > MAX_OPERATIONS:
        raise RuleError(f"a rule has at most {MAX_OPERATIONS} operations")
    mentioned = dict.fromkeys(
        name for term in (tree.left, *tree.comparators) for name in _names(term, text, fields)
    )
    if not mentioned:
        raise RuleError(f"{text!r} names no field")
    return Rule(name, text.strip(), tuple(mentioned), tree)


def _names(term: ast.expr, text: str, fields: Collection[str]) -> Iterator[str]:
    """Yield the fields of a term, and refuse what is not allowed in it.

    Raises
    ------
    RuleError
    """
    match term:
        case ast.Name(id=name):
            if name not in fields:
                raise RuleError(f"{text!r}: there is no field {name!r}")
            yield name
        case ast.Constant(value=int() | float() as value) if (
            not isinstance(value, bool) and abs(value) < _MOST
        ):
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            yield from _names(left, text, fields)
            yield from _names(right, text, fields)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield from _names(operand, text, fields)
        case _:
            raise RuleError(f"{text!r}: only fields, numbers, + - * and parentheses may be used")


def evaluate(term: ast.expr, values: Values) -> Decimal:
    """Evaluate a term of a rule.

    Parameters
    ----------
    term : ast.expr
        As `parse` accepts it.
    values : mapping of str to Decimal or None
        None counts as 0.

    Returns
    -------
    Decimal

    Raises
    ------
    AssertionError
        The term is not one that `parse` accepts.
    """
    match term:
        case ast.Name(id=name):
            return values[name] or Decimal(0)
        case ast.Constant(value=value):
            return Decimal(str(value))
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATIONS[type(op)](evaluate(left, values), evaluate(right, values))
        case ast.UnaryOp(operand=operand):
            return -evaluate(operand, values)
        case _:
            raise AssertionError(ast.dump(term))


def broken(rules: Sequence[Rule], values: Values) -> list[Rule]:
    """Return the rules that do not hold; one with an unknown field is not judged.

    Parameters
    ----------
    rules : sequence of Rule
    values : mapping of str to Decimal or None

    Returns
    -------
    list of Rule
    """
    return [rule for rule in rules if rule.holds(values) is False]


def told(rule: Rule, values: Values, shown: Mapping[str, tuple[str, str]]) -> str:
    """Return what a rule compares, with the numbers.

    Parameters
    ----------
    rule : Rule
    values : mapping of str to Decimal or None
        None counts as 0.
    shown : mapping of str to tuple of str
        How people call each field, and its text.

    Returns
    -------
    str

    Examples
    --------
    >>> rule = parse("sum", "total == a + b", ["a", "b", "total"])
    >>> values = {"a": Decimal(3), "b": Decimal(4), "total": Decimal(8)}
    >>> told(rule, values, {"a": ("Men", "3"), "b": ("Women", "4"), "total": ("In all", "8")})
    'Men 3 + Women 4 = 7, In all says 8'
    """
    terms = [rule.tree.left, *rule.tree.comparators]
    parts = []
    for left, op, right in zip(terms, rule.tree.ops, terms[1:], strict=False):
        one, other = (left, right) if not isinstance(left, ast.Name) else (right, left)
        if isinstance(op, ast.Eq) and isinstance(other, ast.Name):
            parts.append(f"{_with_value(one, values, shown)}, {shown[other.id][0]} says {shown[other.id][1]}")
        else:
            must = f"must be {_MUST_BE[type(op)]}{_with_value(right, values, shown)}"
            parts.append(f"{_with_value(left, values, shown)}, {must}")
    return "; ".join(parts)


def _with_value(term: ast.expr, values: Values, shown: Mapping[str, tuple[str, str]]) -> str:
    text = _written(term, shown)
    return text if isinstance(term, ast.Name | ast.Constant) else f"{text} = {evaluate(term, values):f}"


def _written(term: ast.expr, shown: Mapping[str, tuple[str, str]]) -> str:
    match term:
        case ast.Name(id=name):
            title, said = shown[name]
            return f"{title}: {said}" if title[-1:].isdigit() else f"{title} {said}"
        case ast.BinOp(left=left, op=op, right=right):
            one, other = (_written(side, shown) for side in (left, right))
            is_product = isinstance(op, ast.Mult)
            if is_product and isinstance(left, ast.BinOp):
                one = f"({one})"
            if isinstance(right, ast.BinOp) and (is_product or isinstance(op, ast.Sub)):
                other = f"({other})"
            return f"{one} {_SIGNS[type(op)]} {other}"
        case ast.UnaryOp(operand=operand):
            return f"−{_written(operand, shown)}"
        case _:
            return ast.unparse(term)
