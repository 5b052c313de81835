# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the section C([pagerduty]) of the ansible.cfg that is in force."""

from __future__ import annotations

import configparser
import functools
import os
from collections.abc import Mapping

from ansible import constants
from ansible.module_utils.common.text.converters import to_text

_SECTION = "pagerduty"


def section() -> Mapping[str, str]:
    """Return the section's entries, empty without one. Read once for each process."""
    return _read(to_text(constants.CONFIG_FILE)) if constants.CONFIG_FILE else {}


def resolve_path(path: str) -> str:
    """Return a path of the section as Ansible understands the paths in its configuration: from the file's folder on."""
    folder = os.path.dirname(to_text(constants.CONFIG_FILE or ""))
    return os.path.join(folder, os.path.expanduser(os.path.expandvars(path)))


@functools.lru_cache(maxsize=1)
def _read(path: str) -> Mapping[str, str]:
    # The same parser settings as ansible-core's own, so that both read the file alike.
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None)
    parser.read(path, encoding="utf-8")
    return dict(parser[_SECTION]) if parser.has_section(_SECTION) else {}
