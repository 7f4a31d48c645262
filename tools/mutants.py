"""Broken copies of a source: everything in it that can be changed so that one thing is wrong, and a draw of these."""

from __future__ import annotations

import ast
import difflib
import random
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

COMPARISONS: dict[type, tuple[bytes, str]] = {
    ast.Lt: (rb"<", "<="),
    ast.LtE: (rb"<=", "<"),
    ast.Gt: (rb">", ">="),
    ast.GtE: (rb">=", ">"),
    ast.Eq: (rb"==", "!="),
    ast.NotEq: (rb"!=", "=="),
    ast.In: (rb"\bin\b", "not in"),
    ast.NotIn: (rb"\bnot\s+in\b", "in"),
    ast.Is: (rb"\bis\b", "is not"),
    ast.IsNot: (rb"\bis\s+not\b", "is"),
}
ARITHMETIC: dict[type, tuple[bytes, str]] = {
    ast.Add: (rb"\+", "-"),
    ast.Sub: (rb"-", "+"),
    ast.Mult: (rb"\*", "/"),
    ast.Div: (rb"/", "*"),
}
LOGIC: dict[type, tuple[bytes, str]] = {ast.And: (rb"\band\b", "or"), ast.Or: (rb"\bor\b", "and")}
EXTREMES = {a: b for one, two in (("min", "max"), ("minimum", "maximum")) for a, b in ((one, two), (two, one))} | {
    f"{prefix}{a}": f"{prefix}{b}" for prefix in ("arg", "nan", "idx") for a, b in (("min", "max"), ("max", "min"))
}
ORDERINGS = ("sort", "sort_values", "sort_index")
SEEDINGS = ("seed", "manual_seed", "manual_seed_all", "seed_everything")
GENERATORS = ("default_rng", "Random", "RandomState")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Change: TypeAlias = tuple[str, int, int, str]
"""Operator, first byte, byte behind the last, and what stands there instead."""


@dataclass(frozen=True, order=True)
class Mutant:
    """One change of one file.

    Attributes:
        file: path from the root of the checkout, with slashes.
        line: number of the first changed line, from 1.
        start: first changed byte of the file.
        end: byte behind the last changed one.
        new: what stands there instead.
        operator: kind of the change.
        old: what stood there.
        function: first line of the innermost function (its first decorator, if any) around the change, None outside of all.
    """

    file: str
    line: int
    start: int
    end: int
    new: str
    operator: str
    old: str
    function: int | None

    def apply(self, source: bytes) -> bytes:
        """The broken source."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def diff(self, source: bytes) -> list[str]:
        """The lines that differ, with `-` and `+`."""
        before, after = (text.decode().splitlines() for text in (source, self.apply(source)))
        return list(difflib.unified_diff(before, after, lineterm="", n=0))[3:]


def mutants(file: str, source: bytes) -> list[Mutant]:
    """All of a file.

    Left alone are docstrings, annotations, what only type checkers see, f-strings, and sums and products of texts and lists,
    where the other operator raises an error and shows no more than that the line is executed.
    """
    place = _Places(source)
    found = []
    for (operator, start, end, new), function in _walk(ast.parse(source), place, None):
        old = source[start:end].decode()
        found.append(Mutant(file, place.line(start), start, end, new, operator, old, function))
    return found


def sound(mutant: Mutant, source: bytes) -> bool:
    """Whether the broken source is Python, and another program."""
    try:
        return ast.dump(ast.parse(mutant.apply(source))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def draw(found: Iterable[Mutant], lines: int, seed: int) -> list[Mutant]:
    """One mutant each of so many lines, all lines being equally likely; the same seed gives the same ones."""
    by_line: dict[tuple[str, int], list[Mutant]] = {}
    for mutant in sorted(found):
        by_line.setdefault((mutant.file, mutant.line), []).append(mutant)
    dice = random.Random(seed)
    chosen = dice.sample(sorted(by_line), min(lines, len(by_line)))
    return [dice.choice(by_line[place]) for place in chosen]


class _Places:
    """Bytes of a source by line and column, as `ast` counts them."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def line(self, byte: int) -> int:
        return bisect_right(self.starts, byte)

    def text(self, node: ast.expr) -> str:
        return self.source[self.start(node) : self.end(node)].decode()

    def between(self, left: ast.expr, right: ast.expr, pattern: bytes, name: str, new: str) -> Iterator[Change]:
        """The operator between two operands, with anything but comments around it."""
        begin, end = self.end(left), self.start(right)
        gap = re.sub(rb"#[^\n]*", lambda found: b" " * len(found[0]), self.source[begin:end])
        if found := re.search(pattern, gap):
            yield name, begin + found.start(), begin + found.end(), new


def _walk(node: ast.AST, place: _Places, function: int | None) -> Iterator[tuple[Change, int | None]]:
    """Changes of a node and of all below it, with the function around."""
    inner: Sequence[ast.AST] = list(ast.iter_child_nodes(node))
    match node:
        case ast.JoinedStr():
            return
        case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            inner = node.orelse
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            outside = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
            for before in outside:
                yield from _walk(before, place, function)
            inner, function = node.body, min(part.lineno for part in (node, *node.decorator_list))
        case ast.AnnAssign():
            inner = [part for part in (node.target, node.value) if part is not None]
        case _:
            for change in _changes(node, place):
                yield change, function
    for part in inner:
        yield from _walk(part, place, function)


def _changes(node: ast.AST, place: _Places) -> Iterator[Change]:
    """Changes of one node."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            yield "number", place.start(node), place.end(node), repr(_other(value))
        case ast.Compare() | ast.BoolOp() | ast.BinOp() | ast.AugAssign():
            yield from _operators(node, place)
        case ast.UnaryOp(op=ast.Not()):
            begin = place.start(node)
            found = re.match(rb"not\b\s*", place.source[begin:])
            assert found is not None
            yield "not dropped", begin, begin + found.end(), ""
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))) if name in (*ORDERINGS, *SEEDINGS):
            what = "seed dropped" if name in SEEDINGS else "sort dropped"
            yield what, place.start(node), place.end(node), "pass"
        case ast.Call():
            yield from _calls(node, place)
        case ast.keyword(arg="sort" | "sort_keys", value=ast.Constant(True)):
            yield "sort dropped", place.start(node.value), place.end(node.value), "False"
        case ast.keyword(arg="seed" | "random_state"):
            yield "seed dropped", *_with_comma(place, node), ""


def _operators(node: ast.Compare | ast.BoolOp | ast.BinOp | ast.AugAssign, place: _Places) -> Iterator[Change]:
    """Changes of the operators between the operands of a node."""
    match node:
        case ast.Compare():
            for (left, right), op in zip(pairwise([node.left, *node.comparators]), node.ops):
                pattern, other = COMPARISONS[type(op)]
                yield from place.between(left, right, pattern, "comparison", other)
        case ast.BoolOp():
            pattern, other = LOGIC[type(node.op)]
            for left, right in pairwise(node.values):
                yield from place.between(left, right, pattern, "and/or", other)
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC and not (_joins(left) or _joins(right)):
            pattern, other = ARITHMETIC[type(op)]
            yield from place.between(left, right, pattern, "arithmetic", other)
        case ast.AugAssign(target, op, value) if type(op) in ARITHMETIC and not _joins(value):
            pattern, other = ARITHMETIC[type(op)]
            yield from place.between(target, value, pattern, "arithmetic", other)


def _calls(node: ast.Call, place: _Places) -> Iterator[Change]:
    """Changes of a call by the name of what is called."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    begin, end = place.start(node), place.end(node)
    if name in EXTREMES:
        yield "min/max", place.end(node.func) - len(name), place.end(node.func), EXTREMES[name]
    elif name == "sorted" and isinstance(node.func, ast.Name):
        yield "sort dropped", begin, end, f"list({place.text(node.args[0])})"
    elif name in GENERATORS and (node.args or node.keywords):
        yield "seed dropped", place.end(node.func), end, "()"
    elif isinstance(node.func, ast.Attribute) and name in (*ORDERINGS[1:], *SEEDINGS[1:]):
        what = "seed dropped" if name in SEEDINGS else "sort dropped"
        yield what, place.end(node.func.value), end, ""


def _with_comma(place: _Places, node: ast.keyword) -> tuple[int, int]:
    """The bytes of an argument and of the comma behind it, else of the one before."""
    begin, end = place.start(node), place.end(node)
    if found := re.match(rb"\s*,\s*", place.source[end:]):
        return begin, end + found.end()
    before = re.search(rb",\s*$", place.source[:begin])
    return (begin if before is None else before.start()), end


def _other(number: float) -> float:
    """One for zero, zero for one, else one more."""
    if number in (0, 1):
        return type(number)(1 - number)
    return number + 1 if number + 1 != number else 2 * number


def _joins(node: ast.expr) -> bool:
    """Whether this is a text or a list by its looks, so that `+` joins, `*` repeats and `/` goes down a path."""
    if isinstance(node, ast.BinOp):
        return _joins(node.left) or _joins(node.right)
    literal = isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    return literal or isinstance(node, ast.JoinedStr | ast.List | ast.ListComp | ast.Tuple)
