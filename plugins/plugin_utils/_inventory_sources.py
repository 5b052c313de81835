# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whether ansible-core could read all sources of its inventory, and which hosts come from them.

ansible-core warns of a source that it cannot read and goes on with what the others have. Whoever wants to know later
has to compare what was given with what was read, folder by folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from ansible.inventory.manager import IGNORED

_DEFAULT = "/etc/ansible/hosts"
"""Where ansible-core looks if nobody names an inventory; it need not be there."""

_STRUCTURED = (".yml", ".yaml", ".json")

UNKNOWN = "an unknown one"
"""Named where it cannot be told what was read."""


class InventoryWatch:
    """One run's inventory. What was unread once stays so: the plays until then have missed its hosts."""

    def __init__(self, manager: Callable[[], Any]) -> None:
        """Take what finds ansible-core's inventory manager, or returns None if there is none yet."""
        self._manager = manager
        self._unread: dict[str, None] = {}

    def look(self) -> None:
        """Note which sources are unread now: at the beginning of a play, since they may be read anew within it."""
        try:
            manager = self._manager()
            if manager is not None:
                self._unread.update(dict.fromkeys(unread_sources(manager)))
        except Exception:  # pylint: disable=broad-except  # what cannot be told counts as not read
            self._unread[UNKNOWN] = None

    @property
    def unread(self) -> tuple[str, ...]:
        """The sources that could not be read, at any time so far."""
        self.look()
        return tuple(self._unread)

    def has(self, host: str) -> bool:
        """Tell whether the inventory has a host; yes if that cannot be told, as where no source was read at all."""
        try:
            manager = self._manager()
            if manager is None or not any(manager._inventory.processed_sources):
                return True
            return manager.get_host(host) is not None
        except Exception:  # pylint: disable=broad-except  # a host that may be there is not gone
            return True

    def is_from_source(self, host: str) -> bool:
        """Tell whether a host comes from a source, and not from C(add_host) or from nowhere; no if not known."""
        try:
            found = self._manager().get_host(host)
            return bool(found is not None and found.vars.get("inventory_file"))
        except Exception:  # pylint: disable=broad-except  # what cannot be told counts as made by the run
            return False


def unread_sources(manager: Any) -> list[str]:
    """Return the files, scripts and lists of an inventory that ansible-core could not read."""
    read = {str(source) for source in manager._inventory.processed_sources if source}
    files = [file for source in manager._sources if source for file in _files_of(str(source))]
    return [file for file in files if file not in read or _taken_for_text(manager, file)]


def _files_of(source: str) -> Iterator[str]:
    """Yield what ansible-core reads for a source, by the names that it keeps."""
    if "," in source:
        yield source
        return
    path = os.path.normpath(os.path.abspath(os.path.expandvars(os.path.expanduser(source))))
    if path == _DEFAULT and not os.path.exists(path):
        return
    yield from _files_in(path)


def _files_in(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for name in sorted(os.listdir(path)):
        if not IGNORED.search(os.fsencode(name)):
            yield from _files_in(os.path.join(path, name))


def _taken_for_text(manager: Any, path: str) -> bool:
    """Tell whether a script or structured file was read as a plain list of hosts after it had failed as what it is.

    ansible-core tries that last. Each line is a host then, so there is one that is called like a line.
    """
    if "," in path or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", "replace")
    if not path.endswith(_STRUCTURED) and not (os.access(path, os.X_OK) and text.startswith("#!")):
        return False
    words = (line.split()[0] for line in text.splitlines() if line.split() and line[0] not in "#;[")
    hosts = (manager._inventory.hosts.get(word) for word in words)
    return any(host is not None and host.vars.get("inventory_file") == path for host in hosts)
