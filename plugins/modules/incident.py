#!/usr/bin/python
# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident
short_description: Trigger, acknowledge or resolve a PagerDuty incident
version_added: 0.1.0
author:
  - The oncall.pagerduty authors (@oncall-pagerduty)
description:
  - Triggers, acknowledges or resolves an incident by an event to PagerDuty's Events API v2, or v1, and waits until
    PagerDuty has accepted it.
  - Attempts that fail for a reason that may pass are repeated with back-off. What is too long for PagerDuty is
    shortened, never refused.
  - Nobody stays asleep for a mistake in what only decorates the event, such as a link without an address. That is left
    out, with a warning; in check mode the task fails for it.
  - The task fails if PagerDuty refuses the event, or has not accepted it in time.
  - The task is changed whenever PagerDuty has accepted the event. What PagerDuty knows already is not asked.
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
  state:
    description:
      - What the incident is to become.
      - V(triggered) opens an incident, or adds to the open one with the same O(dedup_key). Requires O(summary).
      - V(acknowledged) says that somebody is working on it. Requires O(dedup_key). PagerDuty takes no notice if no
        such incident is open.
      - V(resolved) says that it is over. Requires O(dedup_key). PagerDuty takes no notice if no such incident is open.
    type: str
    choices: [triggered, acknowledged, resolved]
    default: triggered
  summary:
    description:
      - What has happened. It becomes the incident's title and is what the person on call reads first.
      - With O(state=acknowledged) and O(state=resolved), a note for event rules to read.
      - Beyond 1024 characters it is cut, with an ellipsis at its end.
    type: str
    aliases: [desc, description]
  dedup_key:
    description:
      - The key that tells this incident from the service's others. Events with the same key belong to one incident.
      - A trigger without a key opens an incident of its own. The key that was made for it is returned as
        RV(dedup_key), to acknowledge or resolve it by.
      - Beyond 255 characters, a readable beginning and a SHA-256 of the whole take its place; the same key always
        gives the same.
    type: str
    aliases: [incident_key]
  source:
    description:
      - The affected system. By default the host's name in the inventory.
    type: str
  severity:
    description:
      - How bad it is for the affected system. V(critical), V(error), V(warning) or V(info); syslog's names for them
        are understood too.
      - In the place of any other word V(error) is sent, and that is told in RV(left_out).
    type: str
    default: error
  component:
    description:
      - The part of the source that is responsible, for example C(mysql) or C(eth0).
    type: str
  group:
    description:
      - The logical group that the source belongs to, for example C(prod-datapipe).
    type: str
  class:
    description:
      - The class of the event, for example C(ping failure) or C(cpu load).
    type: str
    aliases: [incident_class]
  custom_details:
    description:
      - Whatever else helps the person on call, as a mapping. Entries without a value are left out.
      - A text is read as JSON or as C(name=value) pairs. What cannot be read as a mapping is sent as an entry
        C(details) of one, and told in RV(left_out).
      - If the event is larger than PagerDuty takes, 512,000 bytes, the biggest entries in here are shortened, and all
        others stay whole.
    type: raw
    aliases: [details]
  timestamp:
    description:
      - When it happened, in ISO 8601 with an offset from UTC, for example V(2026-01-31T03:00:00Z), or in seconds since
        1970. By default now.
      - A time without an offset means another moment on each machine. It is left out like anything else that is no
        certain time, and told in RV(left_out).
    type: str
  client:
    description:
      - The name of what triggers the incident.
    type: str
    default: Ansible
  client_url:
    description:
      - A link to what triggers the incident, for example to the job.
    type: str
  api_version:
    description:
      - The version of the Events API that the integration is made for. Like the settings that the
        notes list, it can be given elsewhere too, for example as a variable C(pagerduty_api_version).
      - V(v2) is the current one.
      - V(v1) is for integrations of the type Events API v1. O(summary) is sent as its C(description), O(dedup_key) as
        its C(incident_key), O(links) and O(images) as its C(contexts), and O(component), O(group), O(class),
        O(timestamp) and O(source), where they are given, and O(severity), where it is not V(error), as entries of
        its C(details).
    type: str
    choices: [v2, v1]
    default: v2
seealso:
  - module: oncall.pagerduty.change
  - name: PagerDuty Events API v2
    description: PagerDuty's own documentation.
    link: https://developer.pagerduty.com/docs/events-api-v2-overview
"""

EXAMPLES = r"""
- name: Page the people on call
  oncall.pagerduty.incident:
    routing_key: "{{ vault_pagerduty_key }}"
    summary: "Replica lag on {{ inventory_hostname }}"
    dedup_key: "replica-lag/{{ inventory_hostname }}"
    severity: warning
    custom_details:
      lag_seconds: 412

- name: Say that the playbook is working on it
  oncall.pagerduty.incident:
    routing_key: "{{ vault_pagerduty_key }}"
    state: acknowledged
    dedup_key: "replica-lag/{{ inventory_hostname }}"

- name: Say that it is over
  oncall.pagerduty.incident:
    routing_key: "{{ vault_pagerduty_key }}"
    state: resolved
    dedup_key: "replica-lag/{{ inventory_hostname }}"
    summary: The replica has caught up

- name: Set the key and the region once for several tasks
  module_defaults:
    group/oncall.pagerduty.pagerduty:
      routing_key_file: /etc/ansible/pagerduty.key
      region: eu
  block:
    - name: Open an incident of its own
      oncall.pagerduty.incident:
        summary: Backup of the ledger is missing
        source: backup.example.com
        component: restic
        class: backup
        links:
          - href: https://wiki.example.com/runbooks/backup
            text: Runbook
      register: page

    - name: Resolve just that one
      oncall.pagerduty.incident:
        state: resolved
        dedup_key: "{{ page.dedup_key }}"

- name: Be patient exactly as gopherduty is, with waits of 10, 20 and 40 seconds
  oncall.pagerduty.incident:
    api_version: v1
    service_key: "{{ vault_pagerduty_key }}"
    description: FAILURE for production/HTTP
    incident_key: srv01/HTTP
    client: Sample Monitoring Service
    client_url: https://monitoring.example.com
    details:
      ping time: 1500ms
    max_retries: 3
    retry_base_interval: 10
    jitter: false

- name: Let nothing wait for PagerDuty, and lose nothing if it is down
  oncall.pagerduty.incident:
    routing_key: "{{ vault_pagerduty_key }}"
    summary: "Certificate of {{ inventory_hostname }} ends next week"
    severity: info
    queue: always

- name: Send from a host that has a way out to the Internet
  oncall.pagerduty.incident:
    routing_key: "{{ vault_pagerduty_key }}"
    summary: "No answer from {{ inventory_hostname }}"
  delegate_to: bastion.example.com
"""

RETURN = r"""
msg:
  description: What became of the event, in a sentence. If it failed, also what to do about it.
  returned: always
  type: str
  sample: PagerDuty accepted the trigger event 'replica-lag/db1'.
accepted:
  description:
    - Whether PagerDuty has accepted the event. It has queued it then; whether that makes an incident is up to the
      service's rules and state.
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
  sample: Event processed
dedup_key:
  description:
    - The key that the incident stands under, for tasks that acknowledge or resolve it. Made here if the task that
      triggers gives none.
  returned: when the task got as far as sending, or would have but for check mode
  type: str
  sample: replica-lag/db1
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
    event_action: trigger
    dedup_key: replica-lag/db1
    payload:
      summary: Replica lag on db1
      source: db1
      severity: error
      timestamp: "2026-01-31T03:00:00.000+00:00"
    client: Ansible
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
from ansible_collections.oncall.pagerduty.plugins.module_utils._task import INCIDENT


def main() -> None:
    """Send the event from where this module runs."""
    run_module(INCIDENT)


if __name__ == "__main__":
    main()
