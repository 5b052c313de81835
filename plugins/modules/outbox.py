#!/usr/bin/python
# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: outbox
short_description: Look after the events that PagerDuty has not accepted yet
version_added: 0.1.0
author:
  - The oncall.pagerduty authors (@oncall-pagerduty)
description:
  - Events of the callback P(oncall.pagerduty.page_on_failure#callback), and of tasks that queue theirs, are kept in
    an outbox on the controller until PagerDuty has accepted them. What is left of a run is sent by the next one that
    pages, or by this module.
  - Always works on the controller's outbox, whatever host the task is for. Run it once, for example on C(localhost).
  - Events that are kept in memory, since the outbox could not be written, are looked after as well.
extends_documentation_fragment:
  - oncall.pagerduty.outbox
  - oncall.pagerduty.retries
  - oncall.pagerduty.attributes.controller
  - oncall.pagerduty.attributes
options:
  state:
    description:
      - What is to be done.
      - V(drained) sends what waits, for at most O(limit) seconds. Fails if events are still waiting then, or if
        PagerDuty has refused any of them for good. Such an event does not wait any more; RV(set_aside) counts it, and
        the next time it is no failure.
      - V(drained) also fails if events were dropped unsent for O(outbox_max_age) or O(outbox_max_events), by anybody,
        since it last ran to its end. It says which, and the next time that is no failure.
      - V(listed) shows what there is, O(most) events at a time.
      - V(retried) lets events that PagerDuty refused for good, all or those in O(ids), wait to be sent again.
      - V(purged) drops events that PagerDuty refused for good, all or those in O(ids); with O(waiting=true) also those
        that wait.
    type: str
    choices: [drained, listed, retried, purged]
    default: drained
  ids:
    description:
      - The events to send again or to drop, by RV(events[].id). Without it all of them.
    type: list
    elements: int
  waiting:
    description:
      - Whether O(state=purged) also drops events that wait to be sent. Nobody will be paged by them.
    type: bool
    default: false
  limit:
    description:
      - Seconds that O(state=drained) may take; an attempt that is under way by then is still finished.
    type: float
    default: 60.0
  most:
    description:
      - How many events O(state=listed) shows at most. The numbers in RV(waiting), RV(set_aside) and RV(by_key) are
        those of all. V(0) for the numbers alone. A result with tens of
        thousands of events costs ansible-core much time and memory.
    type: int
    default: 100
  offset:
    description:
      - How many events O(state=listed) leaves out at the beginning, for looking at them in portions.
    type: int
    default: 0
notes:
  - O(outbox_path) and the other settings of the outbox can also be given as a variable with C(pagerduty_) before the
    name, in the environment with C(PAGERDUTY_) before the name in capital letters, or in the section C([pagerduty]) of
    C(ansible.cfg). They should be the same for the callback, for tasks that queue, and here.
seealso:
  - plugin: oncall.pagerduty.page_on_failure
    plugin_type: callback
"""

EXAMPLES = r"""
- name: Send what earlier runs have left behind
  oncall.pagerduty.outbox:
    state: drained
    limit: 120
  run_once: true

- name: See what waits, and what was refused
  oncall.pagerduty.outbox:
    state: listed
  register: outbox
  run_once: true

- name: See how many there are
  oncall.pagerduty.outbox:
    state: listed
    most: 0
  run_once: true

- name: See the second hundred
  oncall.pagerduty.outbox:
    state: listed
    offset: 100
  run_once: true

- name: Give refused events another chance
  oncall.pagerduty.outbox:
    state: retried
  run_once: true

- name: Give one of them another chance
  oncall.pagerduty.outbox:
    state: retried
    ids: "{{ outbox.events | selectattr('dedup_key', 'equalto', 'replica-lag/db1') | map(attribute='id') }}"
  run_once: true

- name: Drop what PagerDuty will never take
  oncall.pagerduty.outbox:
    state: purged
  run_once: true

- name: Drop all there is, what waits to be sent included
  oncall.pagerduty.outbox:
    state: purged
    waiting: true
  run_once: true
"""

RETURN = r"""
msg:
  description: What was done and what is left, in a sentence.
  returned: always
  type: str
  sample: 3 events sent; the outbox is empty.
waiting:
  description: How many events wait to be sent.
  returned: always
  type: int
  sample: 0
set_aside:
  description: How many events PagerDuty has refused for good.
  returned: always
  type: int
  sample: 0
dropped:
  description:
    - How many events were dropped unsent since the outbox was made, by reason. V(max_events) and V(max_age) are the
      outbox's caps; V(superseded) are pairs that cancelled each other with O(prune_superseded) and refused triggers of
      incidents that were over before anybody retried them, and V(purged) were dropped by this module.
  returned: always
  type: dict
  sample: {}
by_key:
  description: How many events there are of each integration key.
  returned: always
  type: list
  elements: dict
  contains:
    key:
      description: The beginning of the integration key's SHA-256, as in RV(events[].key).
      type: str
    base_url:
      description: Which PagerDuty they go to.
      type: str
    waiting:
      description: How many wait to be sent.
      type: int
    set_aside:
      description: How many PagerDuty has refused for good.
      type: int
events:
  description:
    - The events that are there, in order. None of them shows an integration key.
    - With O(state=listed) those that O(most) and O(offset) ask for, else the first 20.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The event's number. It is negative for an event that is kept in memory.
      type: int
    state:
      description: V(waiting), V(claimed) while it is being sent, or V(set aside).
      type: str
    action:
      description: V(trigger), V(acknowledge), V(resolve) or V(change).
      type: str
    summary:
      description: The event's summary.
      type: str
    dedup_key:
      description: The incident's key; null for a change event.
      type: str
    key:
      description: The beginning of the integration key's SHA-256, to tell keys apart.
      type: str
    base_url:
      description: Which PagerDuty it goes to.
      type: str
    created:
      description: When it was made, in ISO 8601.
      type: str
    attempts:
      description: How often it was tried.
      type: int
    next_attempt:
      description: When it is tried again at the earliest, in ISO 8601.
      type: str
    reason:
      description: The last attempt's error, or why it was refused; null if it was not tried yet.
      type: str
"""
