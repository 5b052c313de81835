# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts events into an outbox and prints how long each took, in seconds, as JSON.

Arguments: the folder of the collection, the outbox, a name for this writer, and how many events.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main(collections: str, path: str, name: str, count: int) -> None:
    """Do that."""
    sys.path.insert(0, collections)
    from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route

    from ._events import event, open_outbox

    database, outbox = open_outbox(Path(path))
    route = Route(Connection("http://127.0.0.1:9"))
    seconds = []
    for number in range(count):
        prepared = event(name, number)
        began = time.monotonic()
        outbox.put(prepared, route)
        seconds.append(time.monotonic() - began)
    database.close()
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
