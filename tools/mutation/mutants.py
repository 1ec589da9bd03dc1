"""Which mutants of a module there are: every refusal disabled or inverted, one at a time.

Operators, each applied to every place it fits:

* ``raise`` – the statement becomes ``pass``
* ``call`` – a call that stands alone (a check for its exception) becomes ``pass``
* ``if true``, ``if false`` – the condition of an ``if`` whose body or ``else`` ends in ``raise``,
  ``return None``, ``return False`` or ``continue``
* ``operand`` – one operand of an ``and`` becomes True, of an ``or`` False: that part is not checked
* ``compare`` – ``<`` and ``<=``, ``>`` and ``>=`` change places; ``==``, ``is``, ``in`` and their
  negations likewise
* ``not`` – a negation is dropped
* ``return true``, ``return false`` – a returned condition becomes a constant
* ``limit`` – a named integer constant of the module moves by one, either way

Annotations, docstrings and what only a type checker reads are left alone.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHER: Final[dict[type[ast.cmpop], tuple[str, str]]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_CONDITIONS: Final = (ast.Compare, ast.BoolOp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of a source text.

    Attributes:
        name: Function, operator and the text that changes, with a number where that is not unique;
            it survives changes elsewhere in the file.
        line: Where it begins.
        start: Offset of the first byte that changes, in UTF-8.
        end: Offset after the last one.
        text: What stands there instead.
    """

    name: str
    line: int
    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        """The source with this change."""
        data = source.encode("utf-8")
        return (data[: self.start] + self.text.encode("utf-8") + data[self.end :]).decode("utf-8")


def mutants_of(source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of the text, each name once."""
    found = sorted(_Finder(source).all(), key=lambda mutant: (mutant.start, mutant.name))
    seen: Counter[str] = Counter()
    named = []
    for mutant in found:
        seen[mutant.name] += 1
        number = seen[mutant.name]
        named.append(replace(mutant, name=f"{mutant.name} #{number}") if number > 1 else mutant)
    return named


class _Finder:
    def __init__(self, source: str) -> None:
        self._data = source.encode("utf-8")
        self._tree = ast.parse(source)
        lines = self._data.splitlines(keepends=True)
        self._offsets = [0]
        for line in lines:
            self._offsets.append(self._offsets[-1] + len(line))

    def all(self) -> Iterator[Mutant]:
        for statement in self._tree.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                yield from self._limits(statement)
        yield from self._within(self._tree, "module")

    def _within(self, node: ast.AST, place: str) -> Iterator[Mutant]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from self._within(
                    child, child.name if place == "module" else f"{place}.{child.name}"
                )
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Assert):
                continue
            yield from self._at(child, place)
            yield from self._within(child, place)

    def _at(self, node: ast.AST, place: str) -> Iterator[Mutant]:
        if isinstance(node, ast.Raise):
            yield self._mutant(node, place, "raise", "pass")
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
            yield self._mutant(node, place, "call", "pass")
        elif isinstance(node, ast.If) and (_refuses(node.body) or _refuses(node.orelse)):
            yield self._mutant(node.test, place, "if true", "True")
            yield self._mutant(node.test, place, "if false", "False")
        elif isinstance(node, ast.BoolOp):
            text = "True" if isinstance(node.op, ast.And) else "False"
            for operand in node.values:
                yield self._mutant(operand, place, "operand", text)
        elif isinstance(node, ast.Compare):
            yield from self._comparisons(node, place)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield self._mutant(node, place, "not", f"({self._text(node.operand)})")
        elif isinstance(node, ast.Return) and node.value is not None and _is_condition(node.value):
            yield self._mutant(node.value, place, "return true", "True")
            yield self._mutant(node.value, place, "return false", "False")

    def _comparisons(self, node: ast.Compare, place: str) -> Iterator[Mutant]:
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            was, becomes = _OTHER[type(operator)]
            start, end = self._span(left)[1], self._span(right)[0]
            between = self._data[start:end].decode("utf-8").replace(was, becomes, 1)
            name = f"{place}: compare: {' '.join(ast.unparse(node).split())} @ {was}"
            yield Mutant(name=name, line=node.lineno, start=start, end=end, text=between)

    def _limits(self, statement: ast.Assign | ast.AnnAssign) -> Iterator[Mutant]:
        value = statement.value
        if value is None or not _is_integer(value):
            return
        for sign in ("+", "-"):
            text = f"({self._text(value)}) {sign} 1"
            yield self._mutant(value, ast.unparse(statement), f"limit {sign}1", text)

    def _mutant(self, node: ast.AST, place: str, operator: str, text: str) -> Mutant:
        start, end = self._span(node)
        name = f"{place}: {operator}: {' '.join(ast.unparse(node).split())}"
        return Mutant(name=name, line=node.lineno, start=start, end=end, text=text)  # type: ignore[attr-defined]

    def _span(self, node: ast.AST) -> tuple[int, int]:
        first = self._offsets[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return first, self._offsets[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self._data[start:end].decode("utf-8")


def _refuses(body: list[ast.stmt]) -> bool:
    last = body[-1] if body else None
    if isinstance(last, ast.Return):
        value = last.value
        return value is None or (isinstance(value, ast.Constant) and value.value in (None, False))
    return isinstance(last, ast.Raise | ast.Continue)


def _is_condition(value: ast.expr) -> bool:
    return (
        isinstance(value, _CONDITIONS)
        or (isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not))
        or (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Name)
            and value.func.id in ("all", "any", "bool", "isinstance")
        )
    )


def _is_integer(value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return _is_integer(value.left) and _is_integer(value.right)
    return isinstance(value, ast.Constant) and type(value.value) is int
