# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a courier: the file that a new Python runs. It makes the collection importable, wherever it is installed.

It has the interpreter and the search path of ansible-playbook, but loads nothing of ansible-core, which would take
several times as long as all the rest.
"""

from __future__ import annotations

import json
import os
import sys
import types
from typing import Any

_PACKAGES = ("ansible_collections", "ansible_collections.oncall", "ansible_collections.oncall.pagerduty")


def _make_importable(collection: str) -> None:
    """Let the collection's full name stand for its folder, without ansible-core's import hooks."""
    for name in _PACKAGES:
        package = types.ModuleType(name)
        package.__path__ = [collection] if name == _PACKAGES[-1] else []
        sys.modules[name] = package


def main(order: dict[str, Any]) -> int:
    """Be the courier that an order describes; returns the exit code.

    It has the search path, the settings, the parent's process id, and, in `part`, whether to be a helper of a courier
    that waits (C(helper)), or one that waits itself: then its lock's descriptor and since when the parent is gone.
    """
    sys.path[:] = order["search_path"]
    folder = os.path.dirname(os.path.abspath(__file__))
    _make_importable(os.path.dirname(os.path.dirname(folder)))
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _courier, _delivery_settings

    settings, parent, part = _delivery_settings.decode(order["settings"]), order["parent"], order.get("part")
    anew = {**order, "part": None}
    if isinstance(part, dict):
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _courier_rest

        helper = _command({**order, "part": "helper", "parent": os.getpid()})
        return _courier_rest.main(
            settings, parent, part["orphaned"], part["descriptor"], helper, lambda: _become(_command(anew))
        )

    def rest(descriptor: int | None, orphaned: float | None) -> None:
        _become(_command({**order, "part": {"descriptor": descriptor, "orphaned": orphaned}}))

    return _courier.main(settings, parent, part == "helper", rest)


def _command(order: dict[str, Any]) -> list[str]:
    # -B: the installed collection stays as it was installed.
    return [sys.executable, "-I", "-B", os.path.abspath(__file__), json.dumps(order)]


def _become(command: list[str]) -> None:
    try:
        os.execv(command[0], command)  # noqa: S606  # no shell is wanted
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
