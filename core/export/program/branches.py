"""Branches: those that constants rule out leave a source; what stays is as it was written, a level further left."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

_LEVEL = 4  # spaces


def decide_branches(source: str, constants: Mapping[str, Any]) -> str:
    """The source without the branches that the constants rule out, and without last parameters that nothing reads then.

    A branch is decided if its condition names constants alone, and at least one; the condition stands on one line.
    Raises ValueError where an elif below a decided if cannot be decided, or the other way round.
    """
    decision = _Decision(source, constants)
    decision.visit(ast.parse(source))
    return _drop_unread(decision.write()) if decision.is_any else source


class _Decision(ast.NodeVisitor):
    """Which lines stay, and how many levels each moves to the left."""

    def __init__(self, source: str, constants: Mapping[str, Any]) -> None:
        self.lines = source.splitlines(keepends=True)
        self.constants = dict(constants)
        self.levels: list[int | None] = [0] * len(self.lines)  # None: the line goes
        self.is_any = False

    def write(self) -> str:
        kept = [(line, levels) for line, levels in zip(self.lines, self.levels, strict=True) if levels is not None]
        return "".join(line[_LEVEL * levels :] if line.strip() else line for line, levels in kept)

    def visit_If(self, node: ast.If) -> None:
        """An if with all that hangs on it."""
        if not self._is_decidable(node):
            self.generic_visit(node)
            return
        if self._is_elif(node):
            raise ValueError(f'"{self._head(node)}" depends on constants alone, and the if above it does not')
        self.is_any = True
        taken, first = self._choose(node)
        last = (taken[-1].end_lineno or 0) if taken else first
        for place in range(node.lineno - 1, node.end_lineno or node.lineno):
            levels = self.levels[place]
            self.levels[place] = levels + 1 if levels is not None and first <= place < last else None
        for statement in taken:
            self.visit(statement)

    def _choose(self, node: ast.If) -> tuple[Sequence[ast.stmt], int]:
        """The statements that are taken, and the place of their first line; comments above them are theirs."""
        while True:
            if not self._is_decidable(node):
                raise ValueError(f'"{self._head(node)}" does not depend on constants alone, and the if above it does')
            if eval(compile(ast.Expression(node.test), "<condition>", "eval"), {"__builtins__": {}}, self.constants):
                return node.body, node.lineno
            following = node.orelse[0] if node.orelse else None
            if isinstance(following, ast.If) and self._is_elif(following):
                node = following
            else:
                return node.orelse, (node.body[-1].end_lineno or 0) + 1

    def _is_decidable(self, node: ast.If) -> bool:
        names = {inner.id for inner in ast.walk(node.test) if isinstance(inner, ast.Name)}
        return bool(names) and names <= self.constants.keys()

    def _is_elif(self, node: ast.If) -> bool:
        return self._head(node).startswith("elif ")

    def _head(self, node: ast.If) -> str:
        return self.lines[node.lineno - 1].strip()


def _drop_unread(source: str) -> str:
    """Without a last parameter that is optional and that its function does not read: calls that give it stood in branches
    that left."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef) or len(node.args.args) < 2 or not node.args.defaults:
            continue
        before, last = node.args.args[-2:]
        default = node.args.defaults[-1]
        read = {inner.id for part in node.body for inner in ast.walk(part) if isinstance(inner, ast.Name)}
        if last.arg not in read and len(node.args.defaults) == 1 and before.end_lineno == default.end_lineno:
            line = lines[default.lineno - 1]
            lines[default.lineno - 1] = line[: before.end_col_offset] + line[default.end_col_offset :]
    return "".join(lines)
