# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that module_utils/_links.py specifies."""

from __future__ import annotations


class ModuleDocFragment:
    """Links and images."""

    DOCUMENTATION = r"""
options:
  links:
    description:
      - Links to show with the event.
    type: list
    elements: dict
    suboptions:
      href:
        description: The address.
        type: str
        required: true
      text:
        description: What to show in its place.
        type: str
  images:
    description:
      - Images to show with the event.
    type: list
    elements: dict
    suboptions:
      src:
        description: Address of the image. PagerDuty takes C(https) only.
        type: str
        required: true
      href:
        description: Where a click on the image leads.
        type: str
      alt:
        description: Text for those who do not see the image.
        type: str
  link_url:
    description:
      - Address of one more link. The short form of an entry of O(links).
    type: str
  link_text:
    description:
      - What to show in the place of O(link_url). Requires O(link_url).
    type: str
"""
