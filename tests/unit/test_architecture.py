# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrows of CONTRIBUTING.md: who may import whom, and that plugin files wire and decide nothing."""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphlib import TopologicalSorter

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
OURS = "ansible_collections.oncall.pagerduty.plugins."

# Each may import those that stand before it, never one that stands behind it, nor beside it.
SENDER_LAYERS = (
    ("_event",),
    ("_answer", "_retry", "_transport"),
    ("_sender",),
    ("_report",),
    ("_task",),
    ("_module",),
)
# What the files of a folder may import of this collection and of ansible-core.
MAY_IMPORT = {
    "modules": ("plugins.module_utils.", "ansible.module_utils."),
    "action": ("plugins.module_utils.", "plugins.plugin_utils.", "ansible."),
    "callback": ("plugins.module_utils.", "plugins.plugin_utils.", "ansible."),
    "module_utils": ("plugins.module_utils.", "ansible.module_utils."),
    "plugin_utils": ("plugins.module_utils.", "plugins.plugin_utils.", "ansible."),
}
# The whole collection runs on what a controller has, and requests. urllib3 is what requests stands on.
# Jinja is what ansible-core itself renders with.
LIBRARIES = {"_transport.py": {"requests", "urllib3"}, "_key_variables.py": {"jinja2"}}
DATABASE = {"_database.py", "_drops.py", "_ledger.py", "_outbox.py", "_schema.py"}
# What every plugin may use of ansible-core, beside its module_utils; the rest only where the map says so.
CORE_FOR_ALL = ("ansible.module_utils.", "ansible.constants", "ansible.context", "ansible.errors", "ansible.release")
MAP = (PLUGINS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```")[1].splitlines()
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
                is_package = node.module in ("ansible", f"{OURS}module_utils", f"{OURS}plugin_utils")
                yield (f"{node.module}.{alias.name}" if is_package else node.module), id(node) not in late


def is_late(node: ast.AST) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return True
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def on_the_map() -> Iterator[tuple[str, str]]:
    """Yield each name of a file on the map of CONTRIBUTING.md, and what its line says."""
    for line in MAP:
        names = re.match(r"    ((?:_[a-z_*]+ *)+)(.*)", line)
        if names:
            yield from ((name, names[2]) for name in names[1].split())


def pure() -> list[Path]:
    """The files that are to touch nothing outside: the map or their own first paragraph says so."""
    names = ["_secrets", *(name for name, text in on_the_map() if text.endswith("(pure)"))]
    every = [*files("module_utils"), *files("plugin_utils")]
    return [path for path in every if path.stem in names or re.search(r"\bPure\b", docstring(path))]


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def shape(name: str) -> str:
    """A module's name as MAY_IMPORT has it."""
    return name.replace("ansible_collections.oncall.pagerduty.", "")


def ids(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", [path for folder in MAY_IMPORT for path in files(folder)], ids=ids)
def test_arrows_between_folders_point_one_way(path: Path) -> None:
    for name, _early in imports(path):
        if name.split(".")[0].startswith("ansible"):
            allowed = MAY_IMPORT[path.parent.name]
            assert shape(name).startswith(allowed), f"{ids(path)} imports {name}; it may import {', '.join(allowed)}"


@pytest.mark.parametrize("path", [path for folder in MAY_IMPORT for path in files(folder)], ids=ids)
def test_nothing_is_needed_but_ansible_core_and_requests(path: Path) -> None:
    found = {name.split(".")[0] for name, _early in imports(path)}
    found -= {*sys.stdlib_module_names, "ansible", "ansible_collections"}
    assert found <= LIBRARIES.get(path.name, set()), f"{ids(path)} imports {sorted(found)}; only _transport may"


def test_only_the_outbox_speaks_to_sqlite() -> None:
    found = {path.name for folder in MAY_IMPORT for path in files(folder) if "sqlite3" in dict(imports(path))}
    assert found <= DATABASE, f"{sorted(found - DATABASE)} import sqlite3"


def test_ansible_cores_own_objects_are_touched_where_the_map_says() -> None:
    # _action is the base of the action plugins, and has ansible-core's for its own.
    allowed = {"_run_watch", "_outcome", "_iterator", "_run_end", "_meta_tasks", "_variables", "_action"}
    allowed.add("_inventory_sources")
    for path in files("plugin_utils"):
        found = [name for name, _early in imports(path) if name.startswith("ansible.")]
        found = [name for name in found if not name.startswith(CORE_FOR_ALL)]
        assert not found or path.stem in allowed, f"{ids(path)} imports {found}; ask one of {sorted(allowed)} instead"


def test_there_is_no_circle() -> None:
    arrows = {
        f"plugins.{path.parent.name}.{path.stem}": {shape(name) for name, _early in imports(path) if OURS in name}
        for folder in MAY_IMPORT
        for path in files(folder)
    }
    TopologicalSorter(arrows).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("layer", range(len(SENDER_LAYERS)), ids=map(" ".join, SENDER_LAYERS))
def test_the_senders_arrows_point_one_way(layer: int) -> None:
    not_below = {f"{OURS}module_utils.{name}" for names in SENDER_LAYERS[layer:] for name in names}
    for file in SENDER_LAYERS[layer]:
        found = {name for name, _early in imports(PLUGINS / "module_utils" / f"{file}.py")}
        assert not found & not_below, f"{file} imports {sorted(found & not_below)}"


def test_the_map_names_all_that_is_there_and_nothing_else() -> None:
    stems = [path.stem for folder in ("module_utils", "plugin_utils") for path in files(folder)]
    names = [name for name, _text in on_the_map()]
    assert len(names) > 50, "the map of CONTRIBUTING.md is no longer read"
    assert [name for name in names if not fnmatch.filter(stems, name)] == []
    assert [stem for stem in stems if not any(fnmatch.fnmatch(stem, name) for name in names)] == []


@pytest.mark.parametrize("path", pure(), ids=ids)
def test_what_is_called_pure_touches_nothing_outside(path: Path) -> None:
    found = {name.split(".")[0] for name, _early in imports(path)}
    assert not found & IMPURE, f"{ids(path)} is to be pure, but imports {sorted(found & IMPURE)}"


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
        if not docstring(path).strip()
    ]
    assert silent == []
