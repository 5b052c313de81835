# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One ansible-playbook's part in the tests: a process that hands events over, waits for them, and says how it went.

Run as a script with the folder that holds `ansible_collections` and an order in JSON; the report is one line of JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any, Sequence


def run(root: str, order: dict[str, Any], prefix: Sequence[str] = ()) -> dict[str, Any]:
    """Run it and return its report.

    An order names `settings` (of a DeliverySettings), `url`, `events` (pairs of dedup key and action), `flush`
    (seconds), and, if wanted, `timeout` of an attempt, `padding` of each summary, `clock` by which the wall clock is
    wrong, `file_size` as the limit for any file.
    """
    with start(root, order, prefix) as process:
        return report(process)


def start(root: str, order: dict[str, Any], prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start it."""
    command = [*prefix, sys.executable, __file__, root, json.dumps(order)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def report(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for it to end and return its report."""
    said, _nothing = process.communicate(timeout=100)
    if process.returncode != 0:
        raise RuntimeError(f"the playbook's process ended with {process.returncode}")
    found: dict[str, Any] = json.loads(said)
    return found


def _main(root: str, order: dict[str, Any]) -> None:
    sys.path.insert(0, root)
    real = time.time
    time.time = lambda: real() + order.get("clock", 0.0)
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
    from ansible_collections.oncall.pagerduty.tests.support.events import alert, route

    if "file_size" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_size"], order["file_size"]))
    delivery = Delivery(DeliverySettings(**order["settings"]))
    way = route(order["url"], order.get("timeout", 5.0))
    handed, longest = [], 0.0
    for key, action in order["events"]:
        event = alert(key, action, summary=f"{key} {action} " + "x" * order.get("padding", 0))
        began = time.monotonic()
        handed.append(delivery.hand_over(event, way))
        longest = max(longest, time.monotonic() - began)
    began = time.monotonic()
    flushed = delivery.flush(order["flush"])
    waited = time.monotonic() - began
    delivery.close()
    print(  # the report
        json.dumps(
            {
                "kept": sum(one.kept for one in handed),
                "warnings": [one.warning for one in handed if one.warning],
                "flushed": vars(flushed),
                "waited": waited,
                "longest_hand_over": longest,
            },
            default=list,
        )
    )


if __name__ == "__main__":
    _main(sys.argv[1], json.loads(sys.argv[2]))
