# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test that has a fake clock goes by no other beside it: how long the machine has been up must not matter."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]


def clashes(text: str) -> list[int]:
    """The lines in which a file opens the outbox by the machine's clock, in a function that has a fake one."""
    return sorted({line for function in functions(ast.parse(text)) for line in in_function(function)})


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def in_function(function: ast.FunctionDef) -> list[int]:
    # Fixtures that have a fake clock inside, where a file has imported that.
    if not {argument.arg for argument in function.args.args} & {"clock", "outbox", "ledger", "a_set"}:
        return []
    return [
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "Database"
        and "uptime" not in {keyword.arg for keyword in node.keywords}
    ]


def test_no_fake_clock_stands_beside_the_machines_own() -> None:
    files = [path for path in TESTS.glob("unit/**/test_*.py") if path != Path(__file__)]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    with_fake = {name: text for name, text in texts.items() if "Clock" in text}
    assert "test_outbox.py" in with_fake
    assert {name: clashes(text) for name, text in with_fake.items() if clashes(text)} == {}


def test_such_a_line_is_found() -> None:
    assert clashes("def test(outbox, path):\n    Outbox(Database(path))\n") == [2]
    assert clashes("def test(outbox, path, clock):\n    Outbox(Database(path, uptime=clock))\n") == []
    assert clashes("def test(path):\n    Outbox(Database(path))\n") == []
