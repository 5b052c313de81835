# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the section C([pagerduty]) of the ansible.cfg that is in force."""

from __future__ import annotations

import configparser
import contextlib
import functools
import os
import re
from collections.abc import Collection, Mapping
from typing import Any

from ansible import constants
from ansible.module_utils.common.text.converters import to_text

from ansible_collections.oncall.pagerduty.plugins.module_utils._options import Source

_SECTION = "pagerduty"

# What somebody means for a comment, and the parser does not.
_COMMENT = re.compile(r"\s#")


def section() -> Mapping[str, str]:
    """Return the section's entries, empty without one. Read once for each process."""
    return _sections().get(_SECTION, {})


def section_names() -> Collection[str]:
    """Return the names of all sections of the file."""
    return _sections().keys()


def unquoted(value: str) -> str:
    """Return a value without the quotes around the whole of it."""
    is_quoted = len(value) > 1 and value[0] in "'\"" and value.find(value[0], 1) == len(value) - 1
    return value[1:-1] if is_quoted else value


def comment_hint(origin: str, value: Any) -> str:
    """Return a hint for a value that cannot be used; empty unless it stands in the file with an unread comment in it.

    Args:
        origin: where the value stands, as `source` says it.
        value: the value.
    """
    is_of_file = origin.endswith(source().where)
    return (
        "; in ansible.cfg, a comment after a value begins with ;" if is_of_file and _COMMENT.search(str(value)) else ""
    )


def source() -> Source:
    """Return the source of settings that the section is."""
    entries = section()
    where = f"under [{_SECTION}] in {constants.CONFIG_FILE}"
    return Source(where, lambda option: option, lambda name: unquoted(entries[name]) if name in entries else None)


def _sections() -> Mapping[str, Mapping[str, str]]:
    return _read(to_text(constants.CONFIG_FILE)) if constants.CONFIG_FILE else {}


def resolve_path(path: str) -> str:
    """Return a path of the section as Ansible understands the paths in its configuration: from the file's folder on."""
    folder = os.path.dirname(to_text(constants.CONFIG_FILE or ""))
    return os.path.join(folder, expanded(path))


def expanded(path: str) -> str:
    """Return a path with what Ansible's configuration may have in it filled in."""
    return os.path.expanduser(os.path.expandvars(path.replace("{{CWD}}", os.getcwd())))


@functools.lru_cache(maxsize=1)
def _read(path: str) -> Mapping[str, Mapping[str, str]]:
    # What ansible-core has read already; it promises nothing about that.
    parser = getattr(constants.config, "_parsers", {}).get(path)
    if not isinstance(parser, configparser.RawConfigParser):
        # The same parser settings as ansible-core's own, so that both read the file alike.
        parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None)
        # Nor does ansible-core mind letters of other encodings, as in a comment.
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as file:
            parser.read_file(file)
    return {name: dict(parser.items(name, raw=True)) if name == _SECTION else {} for name in parser.sections()}
