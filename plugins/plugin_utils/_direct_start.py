# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the process that sends where nothing can be stored: the file that a new Python runs."""

from __future__ import annotations

import json
import os
import runpy
import sys


def _main(settings: str, parent: str, search_path: str) -> int:
    sys.path[:] = json.loads(search_path)
    folder = os.path.dirname(os.path.abspath(__file__))
    make_importable = runpy.run_path(os.path.join(folder, "_courier_start.py"))["_make_importable"]
    make_importable(os.path.dirname(os.path.dirname(folder)))
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _delivery_settings, _direct_courier

    return _direct_courier.main(_delivery_settings.decode(settings), int(parent))


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
