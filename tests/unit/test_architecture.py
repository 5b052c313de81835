# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrows of CONTRIBUTING.md: who may import whom, and that plugin files wire and decide nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
OURS = "ansible_collections.oncall.pagerduty.plugins."

# Each may import those that stand before it, never one that stands behind it.
SENDER_LAYERS = ("_event", "_answer", "_sender", "_report", "_task", "_module")
PURE = {
    "module_utils": ("_answer", "_event", "_limits", "_plain", "_retry", "_secrets", "_timestamp"),
    "plugin_utils": ("_failures", "_incidents", "_incident_text", "_resolving", "_steering", "_pacing", "_breaker"),
}
IMPURE = {"os", "socket", "sqlite3", "subprocess", "threading", "requests", "time", "random", "shutil", "tempfile"}
MOST_STATEMENTS = 60  # of a plugin file: enough to wire a callback's hooks, too few for a policy


def files(folder: str) -> list[Path]:
    return sorted(path for path in (PLUGINS / folder).glob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield each imported module's name, and whether it is loaded as soon as the file is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {id(node) for block in ast.walk(tree) if is_late(block) for node in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in late
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                is_package = node.module in (f"{OURS}module_utils", f"{OURS}plugin_utils")
                yield (f"{node.module}.{alias.name}" if is_package else node.module), id(node) not in late


def is_late(node: ast.AST) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return True
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def ids(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", files("module_utils"), ids=ids)
def test_module_utils_needs_nothing_that_a_managed_host_lacks(path: Path) -> None:
    for name, _early in imports(path):
        if name.startswith("ansible"):
            assert name.startswith(("ansible.module_utils.", f"{OURS}module_utils.")), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", files("plugin_utils"), ids=ids)
def test_plugin_utils_imports_no_plugin(path: Path) -> None:
    for name, _early in imports(path):
        if name.startswith(OURS):
            assert name.startswith((f"{OURS}module_utils.", f"{OURS}plugin_utils.")), f"{path.name} imports {name}"


@pytest.mark.parametrize("layer", range(len(SENDER_LAYERS)), ids=SENDER_LAYERS)
def test_the_senders_arrows_point_one_way(layer: int) -> None:
    above = {f"{OURS}module_utils.{name}" for name in SENDER_LAYERS[layer + 1 :]}
    found = {name for name, _early in imports(PLUGINS / "module_utils" / f"{SENDER_LAYERS[layer]}.py")}
    assert not found & above


@pytest.mark.parametrize(
    "path", [PLUGINS / folder / f"{name}.py" for folder, names in PURE.items() for name in names], ids=ids
)
def test_what_is_called_pure_touches_nothing_outside(path: Path) -> None:
    found = {name.split(".")[0] for name, _early in imports(path)}
    assert not found & IMPURE, f"{path.name} is pure by its docstring, but imports {sorted(found & IMPURE)}"


def test_the_callback_loads_neither_sqlite_nor_an_http_library() -> None:
    loaded, waiting = set(), ["callback.page_on_failure"]
    while waiting:
        module = waiting.pop()
        if module in loaded:
            continue
        loaded.add(module)
        for name, early in imports(PLUGINS / f"{module.replace('.', '/')}.py"):
            if early and name.startswith(OURS):
                waiting.append(name[len(OURS) :])
            assert not (early and re.match(r"(sqlite3|requests|urllib3)\b", name)), f"{module} imports {name}"
    assert "plugin_utils._session" in loaded


@pytest.mark.parametrize("path", [*files("modules"), *files("action"), *files("callback")], ids=ids)
def test_plugin_files_wire_and_decide_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    assert len(statements) <= MOST_STATEMENTS, f"{ids(path)} has {len(statements)} statements: move what it does"
    names = {name.split(".")[0] for name, _early in imports(path)}
    assert not names & IMPURE, f"{ids(path)} imports {sorted(names & IMPURE)}"
    assert not [node for node in statements if isinstance(node, ast.While)], f"{ids(path)} has a loop of its own"


def test_each_action_plugin_has_a_module_that_documents_it() -> None:
    assert {path.name for path in files("action")} == {path.name for path in files("modules")}


def test_no_file_is_without_a_sentence_about_its_job() -> None:
    silent = [
        ids(path)
        for folder in ("module_utils", "plugin_utils", "action", "doc_fragments")
        for path in files(folder)
        if not (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").strip()
    ]
    assert silent == []
