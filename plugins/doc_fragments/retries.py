# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the retries, as module_utils/_options.py specifies them."""

from __future__ import annotations


class ModuleDocFragment:
    """When to try again."""

    DOCUMENTATION = r"""
options:
  retry_base_interval:
    description:
      - Seconds before the first retry. Doubles with each further one.
    type: float
    default: 1.0
  retry_max_interval:
    description:
      - The longest wait between two attempts in seconds, even where PagerDuty asks for a longer one by
        C(Retry-After).
    type: float
    default: 60.0
  jitter:
    description:
      - Whether each wait is a random part of the computed one, so that many senders do not come back together.
      - With V(false) the waits are exactly O(retry_base_interval) times 1, 2, 4 and so on.
    type: bool
    default: true
"""

    PLUGINS = r"""
options:
  retry_base_interval:
    env:
      - name: PAGERDUTY_RETRY_BASE_INTERVAL
    ini:
      - section: pagerduty
        key: retry_base_interval
  retry_max_interval:
    env:
      - name: PAGERDUTY_RETRY_MAX_INTERVAL
    ini:
      - section: pagerduty
        key: retry_max_interval
  jitter:
    env:
      - name: PAGERDUTY_JITTER
    ini:
      - section: pagerduty
        key: jitter
"""

    TASKS = r"""
options:
  max_retries:
    description:
      - How many attempts may follow the first one. V(0) tries once.
      - What is tried again are network errors, the throttling answers (429, and 403 from API v1), 408 and 5xx, and a
        2xx that is not PagerDuty's own, such as a proxy's sign-in page. Any other answer is PagerDuty's last word.
      - Every attempt sends the same event with the same key, so no retry can open a second incident.
    type: int
    default: 5
  deadline:
    description:
      - Seconds that all attempts and waits may take together. A wait that would overrun it is not begun.
    type: float
    default: 120.0
notes:
  - The way to PagerDuty and the retries need not be given in each task. O(routing_key), O(routing_key_file), O(region),
    O(api_url), O(allow_http), O(validate_certs), O(ca_path), O(client_cert), O(client_key), O(proxy), O(timeout),
    O(max_retries), O(retry_base_interval), O(retry_max_interval), O(jitter) and O(deadline) can also be given as a
    variable with C(pagerduty_) before the name, in the environment with C(PAGERDUTY_) before the name in capital
    letters, or in the section C([pagerduty]) of C(ansible.cfg). The task goes first, then the variable, the
    environment and C(ansible.cfg). What is empty or blank counts as not given, and the next place is asked.
  - With C(-vvv) Ansible itself shows the C(environment) of a task that is delegated to another host. Settings from
    there are taken out before, but not C(HTTPS_PROXY) and its like; give a proxy's password in O(proxy).
"""
