# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the checkout importable as the collection for pytest, whatever the user has set up for Ansible.

Under ``ansible-test units`` the collection is importable already, and this file changes nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

COLLECTION = "ansible_collections/oncall/pagerduty"


def forget_user_settings(home: Path) -> None:
    """Take what would change Ansible's or our own behaviour out of this process's environment."""
    for name in list(os.environ):
        if name.startswith(("ANSIBLE_", "PAGERDUTY_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    config = home / "ansible.cfg"
    config.touch()
    os.environ.update(ANSIBLE_HOME=str(home), ANSIBLE_CONFIG=str(config), ANSIBLE_COLLECTIONS_PATH=str(home))
    os.environ["LC_ALL"] = "C.UTF-8"  # ansible-core cannot be imported in another encoding


def link_checkout(folder: Path) -> None:
    """Let ``ansible_collections.oncall.pagerduty`` in ``folder`` be the checkout, and Ansible's loader find it."""
    link = folder / COLLECTION
    link.parent.mkdir(parents=True)
    link.symlink_to(Path(__file__).resolve().parents[1], target_is_directory=True)
    from ansible.plugins.loader import init_plugin_loader  # reads the environment when it is imported

    init_plugin_loader([str(folder)])


def hide_what_is_ignored() -> None:
    """Let what a test starts hear the signals that nohup, or a shell's C(&), has this process ignore.

    What a process ignores, all that it starts ignores; what it has a handler for starts as usual.
    """
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


def pytest_configure(config: pytest.Config) -> None:
    """Have it noticed if tests change the machine; under ansible-test that is not our session."""
    if _folder is not None:
        from ansible_collections.oncall.pagerduty.tests.support.untouched import Guard, machine

        config.pluginmanager.register(Guard(machine()), "untouched")


_folder: tempfile.TemporaryDirectory[str] | None = None
if "ansible_collections" not in sys.modules:
    hide_what_is_ignored()
    # Kept for the life of the process: the folder goes when this object does.
    _folder = tempfile.TemporaryDirectory(prefix="oncall-pagerduty-")
    forget_user_settings(Path(_folder.name))
    link_checkout(Path(_folder.name))
