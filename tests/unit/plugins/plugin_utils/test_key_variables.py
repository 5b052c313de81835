# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a key is made of."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._key_variables import variables_behind

VARIABLES: dict[str, Any] = {
    "app": "shop",
    "target": "{{ app }}-{{ stage }}",
    "deep": {"list": ["{{ target }}"]},
    "one": "{{ two }}",
    "two": "{{ one }}",
    "odd": "{{ not closed",
}


@pytest.mark.parametrize(
    ("names", "templates", "found"),
    [
        (["app"], [], {"app"}),
        (["target"], [], {"target", "app", "stage"}),
        (["deep"], [], {"deep", "target", "app", "stage"}),
        (["one"], [], {"one", "two"}),
        (["odd"], [], {"odd"}),
        ([], ["{{ failure.job }}-app"], {"failure"}),
        ([], ["{{ target | regex_replace('a', 'b') }}"], {"target", "app", "stage"}),
        ([], ["{% if app == 'x' %}{{ rack }}{% endif %}"], {"app", "rack"}),
        ([], ["{{ lookup('vars', 'app') }}"], {"lookup"}),
        ([], [None], set()),
        ([], ["app"], set()),
    ],
)
def test_variables_behind(names: list[str], templates: list[Any], found: set[str]) -> None:
    assert variables_behind(names, templates, VARIABLES) == found
