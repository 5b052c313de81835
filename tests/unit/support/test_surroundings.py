# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make surroundings` makes of its table and of a machine that cannot have all of it."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tool, with a place where nothing is made."""
    monkeypatch.setattr(sys, "path", [str(CHECKOUT), *sys.path])
    found = importlib.import_module("tools.surroundings")
    monkeypatch.setattr(found, "new_place", lambda _python: contextlib.nullcontext())
    monkeypatch.setattr(found, "find_python", lambda: Path(sys.executable))
    monkeypatch.setattr(found, "what_is_missing", lambda _place, _one: "")
    monkeypatch.setattr(found, "run_world", lambda _place, _world: True)
    monkeypatch.delenv("CI", raising=False)
    return found


def test_each_surrounding_is_in_one_world(tool: Any) -> None:
    names = Counter(name for world in tool.WORLDS for name in world)
    assert names == Counter(one.name for one in tool.ALL)


def test_the_tests_are_there(tool: Any) -> None:
    for test in tool.TESTS:
        path, _colons, name = test.partition("::")
        assert (CHECKOUT / path).exists()
        assert not name or re.search(rf"^def {name}\(", (CHECKOUT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_all_is_run_and_passes(tool: Any) -> None:
    assert tool.main([]) == 0


def test_tests_that_fail_are_told_with_the_command(tool: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "run_world", lambda _place, world: world[0].name != "umask-077")
    assert tool.main(["umask-077"]) == 1
    assert 'make surroundings IN="umask-077"' in capsys.readouterr().err


@pytest.mark.parametrize(("environment", "code"), [({}, 0), ({"CI": "true"}, 1)], ids=["by hand", "in CI"])
def test_what_cannot_be_had_is_said_and_a_failure_in_ci(
    tool: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], code: int
) -> None:
    monkeypatch.setattr(tool, "what_is_missing", lambda _place, one: "needs root" if one.name == "no-ipv6" else "")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert tool.main([]) == code
    assert "Left out: no-ipv6: needs root" in capsys.readouterr().err


def test_a_run_of_nothing_is_a_failure(tool: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "what_is_missing", lambda _place, _one: "needs root")
    assert tool.main(["no-ipv6"]) == 1
    assert "Failed: nothing was run" in capsys.readouterr().err


def test_an_unknown_name_is_told(tool: Any) -> None:
    with pytest.raises(SystemExit, match="not known: umask-7; known: just-booted, "):
        tool.main(["umask-7"])
