#!/usr/bin/python
# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: change
short_description: Tell PagerDuty about a change
version_added: 0.1.0
author:
  - The oncall.pagerduty authors (@oncall-pagerduty)
description:
  - Sends a change event to PagerDuty's Events API v2 and waits until PagerDuty has accepted it. Nobody is paged;
    the change is shown beside the service's incidents, so that whoever is paged later sees what was changed before.
  - Attempts that fail for a reason that may pass are repeated with back-off. What is too long for PagerDuty is
    shortened, never refused. What only decorates the event and cannot be used is left out, with a warning; in check
    mode the task fails for it.
  - The task fails if PagerDuty refuses the event, or has not accepted it in time.
  - The task is changed whenever PagerDuty has accepted the event. Each run of it makes a new change event.
extends_documentation_fragment:
  - oncall.pagerduty.connection
  - oncall.pagerduty.retries
  - oncall.pagerduty.retries.tasks
  - oncall.pagerduty.links
  - oncall.pagerduty.queue
  - oncall.pagerduty.attributes.sending
  - oncall.pagerduty.attributes
  - oncall.pagerduty.attributes.actiongroup
options:
  summary:
    description:
      - What was changed.
      - Beyond 1024 characters it is cut, with an ellipsis at its end.
    type: str
    required: true
  source:
    description:
      - The system that was changed. By default the host's name in the inventory.
    type: str
  custom_details:
    description:
      - Whatever else is worth knowing, as a mapping. Entries without a value are left out.
      - A text is read as JSON or as C(name=value) pairs. What cannot be read as a mapping is sent as an entry
        C(details) of one, and told in RV(left_out).
      - If the event is larger than PagerDuty takes, 512,000 bytes, the biggest entries in here are shortened, and all
        others stay whole.
    type: raw
  timestamp:
    description:
      - When it was changed, in ISO 8601 with an offset from UTC, for example V(2026-01-31T03:00:00Z), or in seconds
        since 1970. By default now.
      - A time without an offset means another moment on each machine. It is left out like anything else that is no
        certain time, and told in RV(left_out).
    type: str
  user:
    description:
      - Who made the change. Sent as an entry C(user) of O(custom_details).
    type: str
  repo:
    description:
      - The repository that the change comes from. Sent as an entry C(repo) of O(custom_details).
    type: str
  revision:
    description:
      - The revision that is deployed. Sent as an entry C(revision) of O(custom_details).
    type: str
  environment:
    description:
      - The environment that was changed, for example V(production). Sent as an entry C(environment) of
        O(custom_details).
    type: str
  links:
    description:
      - Links to show with the event, as a list of mappings with C(href), the address, and, if it is to be shown in its
        place, C(text). An address alone stands for a mapping that has nothing else, and one entry for a list of it.
      - An entry without an address is left out and told in RV(left_out); the event goes out all the same. PagerDuty
        takes 50 links; further ones are left out, with a warning.
  api_url:
    aliases: [url]
seealso:
  - module: oncall.pagerduty.incident
  - name: PagerDuty change events
    description: PagerDuty's own documentation.
    link: https://developer.pagerduty.com/docs/send-change-event
"""

EXAMPLES = r"""
- name: Tell PagerDuty what has been deployed
  oncall.pagerduty.change:
    routing_key: "{{ vault_pagerduty_key }}"
    summary: "Deployed shop 4.2 to {{ inventory_hostname }}"
    custom_details:
      build: 220
    links:
      - href: https://ci.example.com/builds/220
        text: Build 220

- name: The same with the names that people know from community.general.pagerduty_change
  oncall.pagerduty.change:
    integration_key: "{{ vault_pagerduty_key }}"
    summary: Deployed shop 4.2
    source: ci.example.com
    user: "{{ lookup('env', 'USER') }}"
    repo: https://git.example.com/shop
    revision: 3f2c1d0
    environment: production
    link_url: https://ci.example.com/builds/220
    link_text: Build 220
"""

RETURN = r"""
msg:
  description: What became of the event, in a sentence. If it failed, also what to do about it.
  returned: always
  type: str
  sample: PagerDuty accepted the change event.
accepted:
  description:
    - Whether PagerDuty has accepted the event. It has queued it then, and may need a moment to show it.
  returned: always
  type: bool
  sample: true
queued:
  description: Whether the event is kept in the outbox, to be sent later.
  returned: always
  type: bool
  sample: false
status:
  description:
    - PagerDuty's status. The standard phrase of the HTTP status code if PagerDuty sent none, V(no answer) if the
      last attempt got no answer, V(not sent) if there was no attempt, as in check mode.
  returned: always
  type: str
  sample: success
message:
  description: PagerDuty's message, or what kept the last attempt from getting an answer.
  returned: always
  type: str
  sample: Change event processed
errors:
  description:
    - One line for each failed attempt, with the errors that PagerDuty listed. Can be there although a later attempt
      was accepted.
  returned: always
  type: list
  elements: str
  sample:
    - "attempt 1: HTTP 429 Requests for this service are arriving too quickly. Please retry later. (Enhance Your
      Calm.)"
has_errors:
  description: Whether RV(errors) has any line.
  returned: always
  type: bool
  sample: false
attempts:
  description: How many attempts were made. V(0) in check mode, and if the task failed before the first one.
  returned: always
  type: int
  sample: 1
elapsed:
  description: Seconds from the first attempt's start to the end.
  returned: always
  type: float
  sample: 0.132
http_status:
  description: HTTP status code of the answer to the last attempt.
  returned: when the last attempt got an answer
  type: int
  sample: 202
event:
  description: The event as it was sent, or would have been, with the integration key masked.
  returned: when the task got as far as sending, or would have but for check mode
  type: dict
  sample:
    routing_key: "********"
    payload:
      summary: Deployed shop 4.2
      source: web1
      timestamp: "2026-01-31T03:00:00.000+00:00"
shortened:
  description: One sentence for each thing that had to be shortened to keep PagerDuty's limits.
  returned: always
  type: list
  elements: str
  sample:
    - "summary: cut from 2000 to 1024 characters"
left_out:
  description:
    - One sentence for each value that could not be sent as it was given, the option's name first, and what became of
      it. Each is a warning too. The event goes out all the same; in check mode the task fails.
  returned: always
  type: list
  elements: str
  sample:
    - "links: entry 1 of 1 has a blank href and is left out; expected a URL"
"""

from ansible_collections.oncall.pagerduty.plugins.module_utils._module import run_module
from ansible_collections.oncall.pagerduty.plugins.module_utils._task import CHANGE


def main() -> None:
    """Send the event from where this module runs."""
    run_module(CHANGE)


if __name__ == "__main__":
    main()
