#!/usr/bin/python
# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: settings_info
short_description: Show the settings with which PagerDuty is told, and where they come from
version_added: 0.1.0
author:
  - The oncall.pagerduty authors (@oncall-pagerduty)
description:
  - Says what M(oncall.pagerduty.incident), M(oncall.pagerduty.change) and M(oncall.pagerduty.outbox) would use on a
    host if the task itself gives nothing, where each setting comes from, what is missing, mistyped, or empty and so not
    given. Warns about names that are misspelt settings. Looks at the options of
    P(oncall.pagerduty.page_on_failure#callback) as well.
  - Sends nothing. The playbook C(oncall.pagerduty.verify) uses it before it asks PagerDuty.
extends_documentation_fragment:
  - oncall.pagerduty.attributes.controller
  - oncall.pagerduty.attributes
options: {}
seealso:
  - module: oncall.pagerduty.incident
  - module: oncall.pagerduty.outbox
  - plugin: oncall.pagerduty.page_on_failure
    plugin_type: callback
"""

EXAMPLES = r"""
- name: See how PagerDuty would be told
  oncall.pagerduty.settings_info:
  register: settings

- name: Stop before a long run if nobody could be paged
  ansible.builtin.assert:
    that: settings.problems | length == 0
    fail_msg: "{{ settings.problems | join('. ') }}."
"""

RETURN = r"""
lines:
  description: What is set, for people, a sentence each.
  returned: always
  type: list
  elements: str
  sample:
    - "PagerDuty: https://events.pagerduty.com"
    - "Integration key: routing_key_file under [pagerduty] in /etc/ansible/ansible.cfg"
    - "Library requests: 2.32.5"
    - "Callback page_on_failure: enabled"
    - "Outbox: /home/ann/.ansible/oncall.pagerduty/outbox.sqlite3, can be written"
problems:
  description:
    - What keeps events from being sent or kept, a sentence each. Empty if all is well.
    - If the callback is enabled, what keeps it from paging is one of them, such as C(PAGERDUTY_ENABLED=false).
  returned: always
  type: list
  elements: str
  sample: []
base_url:
  description: Which PagerDuty is told. Null if that cannot be said.
  returned: always
  type: str
  sample: https://events.pagerduty.com
key_from:
  description: Where the integration key comes from; null if there is none. The key itself is not shown.
  returned: always
  type: str
  sample: PAGERDUTY_ROUTING_KEY in the environment
origins:
  description: Where each setting comes from that is not at its default.
  returned: always
  type: dict
  sample: {"region": "PAGERDUTY_REGION in the environment"}
requests_version:
  description: The version of the library C(requests); null if it is not there.
  returned: always
  type: str
  sample: 2.32.5
callback_enabled:
  description: Whether P(oncall.pagerduty.page_on_failure#callback) is enabled.
  returned: always
  type: bool
  sample: true
outbox_path:
  description: Where the outbox is, or will be.
  returned: always
  type: str
  sample: /home/ann/.ansible/oncall.pagerduty/outbox.sqlite3
"""
