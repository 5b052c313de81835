# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the variables that a template is made of, through however many others. Renders nothing. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import nodes

_DEPTH = 10
"""Levels of a structure that are looked into for templates."""


def variables_behind(names: Iterable[str], templates: Iterable[Any], variables: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of all variables that some variables and templates are made of.

    Args:
        names: variables that are used as they are; they are among what is returned.
        templates: templates that are used; what is no text counts for nothing.
        variables: all variables, not yet rendered. A name that a lookup or C(vars) computes is not found.
    """
    found: set[str] = set()
    waiting = {*names, *(name for template in templates for name in _names_in(str(template)) if template is not None)}
    while waiting:
        name = waiting.pop()
        found.add(name)
        for text in _texts_in(variables.get(name), 0):
            waiting |= _names_in(text) - found
    return frozenset(found)


def _texts_in(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield str(value)
    elif isinstance(value, Mapping) and depth < _DEPTH:
        for item in value.values():
            yield from _texts_in(item, depth + 1)
    elif isinstance(value, (list, tuple)) and depth < _DEPTH:
        for item in value:
            yield from _texts_in(item, depth + 1)


@functools.lru_cache(maxsize=1024)  # hosts have the same templates
def _names_in(text: str) -> frozenset[str]:
    if "{{" not in text and "{%" not in text:
        return frozenset()
    try:
        tree = jinja2.Environment().parse(text)  # noqa: S701  # nothing is rendered
    except jinja2.TemplateError:
        return frozenset()
    return frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")
