# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx settings of the documentation site that `make docs` builds from what antsibull-docs has written."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

project = "oncall.pagerduty"
copyright = "2026, the oncall.pagerduty authors"  # noqa: A001  # Sphinx calls it so
html_title = "oncall.pagerduty"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False

extensions = ["sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
antsibull_ext_color_scheme = "default-autodark"
pygments_style = "ansible"
pygments_dark_style = "monokai"
highlight_language = "YAML+Jinja"

# Nothing is fetched, so what the plugin pages say about ansible-core's own pages stays text.
intersphinx_mapping: dict[str, object] = {}
nitpicky = True
nitpick_ignore_regex = [
    ("envvar", "ANSIBLE_HOME"),
    ("(std:)?ref", "action_plugins|callback_plugins|common_return_values|ansible_configuration_settings"),
]


def setup(app: Sphinx) -> None:
    """Leave out the pages' own tables of contents: the theme shows one beside each page."""
    app.connect("doctree-read", _drop_contents)


def _drop_contents(_app: Sphinx, doctree: Any) -> None:
    for topic in list(doctree.findall(lambda node: node.tagname == "topic")):
        if "contents" in topic["classes"]:
            topic.parent.remove(topic)
