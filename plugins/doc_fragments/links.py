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
      - Links to show with the event, as a list of mappings with C(href), the address, and, if it is to be shown in its
        place, C(text). An address alone stands for a mapping that has nothing else, and one entry for a list of it.
      - An entry without an address is left out and told in RV(left_out); the event goes out all the same.
    type: raw
  images:
    description:
      - Images to show with the event, as a list of mappings with C(src), the image's address, and, where they are
        wanted, C(href), where a click on it leads, and C(alt), the text for those who do not see it.
      - PagerDuty shows images over C(https) only. Any other is left out and told in RV(left_out).
    type: raw
  link_url:
    description:
      - Address of one more link. The short form of an entry of O(links).
    type: str
  link_text:
    description:
      - What to show in the place of O(link_url). Without that it is left out.
    type: str
"""
