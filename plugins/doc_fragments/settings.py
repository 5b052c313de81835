# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the settings that module_utils/_options.py specifies."""

from __future__ import annotations


class ModuleDocFragment:
    """The integration key, the connection, the retries."""

    DOCUMENTATION = r"""
options:
  routing_key:
    description:
      - The integration key of the PagerDuty service, 32 letters and digits. PagerDuty shows it on the service's page,
        under Integrations.
      - Better kept in a vaulted variable C(pagerduty_routing_key), in the environment as E(PAGERDUTY_ROUTING_KEY),
        or in a file named by O(routing_key_file).
      - Mutually exclusive with O(routing_key_file). If the task gives neither, the first of the other places that has
        one of them decides.
    type: str
    aliases: [integration_key, service_key]
  routing_key_file:
    description:
      - A file on the controller that holds nothing but the integration key. White space around it does not matter.
      - It can be encrypted with C(ansible-vault). A relative path is looked up as the C(copy) module looks up its
        source.
      - A warning is given if everybody on the controller can read it.
    type: path
  region:
    description:
      - The service region of the PagerDuty account.
    type: str
    choices:
      us: C(events.pagerduty.com).
      eu: C(events.eu.pagerduty.com).
    default: us
  api_url:
    description:
      - Address of the Events API, for a relay or for a stand-in in tests. Takes the place of O(region).
      - The path of a single API at its end, for example C(/v2/enqueue), is left out.
      - Plain C(http) is for a loopback address only, unless O(allow_http=true).
    type: str
  allow_http:
    description:
      - Whether O(api_url) may be a C(http) address of another machine. The integration key then travels unencrypted.
    type: bool
    default: false
  validate_certs:
    description:
      - Whether the server's certificate is checked.
    type: bool
    default: true
  ca_path:
    description:
      - A file or a folder with the certificates of the authorities to trust, on the machine that sends. Without it
        E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE) count, then the authorities that C(requests) brings.
    type: path
  client_cert:
    description:
      - A file with the client's certificate in PEM format, on the machine that sends. It may hold the key too.
    type: path
  client_key:
    description:
      - A file with the key for O(client_cert). Requires O(client_cert).
    type: path
  proxy:
    description:
      - URL of the proxy to go through. May hold a user and a password, which are never shown.
      - Without it E(HTTPS_PROXY), E(HTTP_PROXY), E(ALL_PROXY) and E(NO_PROXY) count.
    type: str
  max_retries:
    description:
      - How many attempts may follow the first one. V(0) tries once.
      - What is tried again are network errors, the throttling answers (429, and 403 from API v1), 408 and 5xx. Any
        other answer is PagerDuty's last word.
      - Every attempt sends the same event with the same key, so no retry can open a second incident.
    type: int
    default: 5
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
  timeout:
    description:
      - Seconds that one attempt may take, connecting, sending and reading the answer together.
    type: float
    default: 10.0
  deadline:
    description:
      - Seconds that all attempts and waits may take together. A wait that would overrun it is not begun.
    type: float
    default: 120.0
notes:
  - Every setting from O(routing_key) to O(deadline) can also be given as a variable with C(pagerduty_) before its
    name, in the environment with C(PAGERDUTY_) before its name in capital letters, or in the section C([pagerduty])
    of C(ansible.cfg). What the task says goes first, then the variable, the environment and C(ansible.cfg).
requirements:
  - requests, on the machine that sends
"""
