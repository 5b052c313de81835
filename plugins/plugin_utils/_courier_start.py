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

_PACKAGES = ("ansible_collections", "ansible_collections.oncall", "ansible_collections.oncall.pagerduty")


def _make_importable(collection: str) -> None:
    """Let the collection's full name stand for its folder, without ansible-core's import hooks."""
    for name in _PACKAGES:
        package = types.ModuleType(name)
        package.__path__ = [collection] if name == _PACKAGES[-1] else []
        sys.modules[name] = package


def _main(settings: str, parent: str, gives_way: str, search_path: str) -> int:
    sys.path[:] = json.loads(search_path)
    folder = os.path.dirname(os.path.abspath(__file__))
    _make_importable(os.path.dirname(os.path.dirname(folder)))
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _courier, _delivery_settings

    return _courier.main(_delivery_settings.decode(settings), int(parent), bool(int(gives_way)))


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
