# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the integration key and the connection, as module_utils/_options.py specifies them."""

from __future__ import annotations


class ModuleDocFragment:
    """The integration key and the way to PagerDuty."""

    DOCUMENTATION = r"""
options:
  routing_key:
    description:
      - The integration key of the PagerDuty service, 32 letters and digits. PagerDuty shows it on the service's page,
        under Integrations.
      - Better kept in a vaulted variable C(pagerduty_routing_key), in the environment as E(PAGERDUTY_ROUTING_KEY),
        or in a file named by O(routing_key_file).
      - Mutually exclusive with O(routing_key_file). If the task gives neither, the first of the other places that has
        one of them decides. Of both in one place, as from two files of variables, the key counts, with a warning.
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
      - The service region of the PagerDuty account. V(us) is C(events.pagerduty.com), V(eu) is
        C(events.eu.pagerduty.com).
    type: str
    choices: [us, eu]
    default: us
  api_url:
    description:
      - Address of the Events API, for a relay or for a stand-in in tests. Takes the place of O(region).
      - The path of a single API at its end, for example C(/v2/enqueue), is ignored.
      - Plain C(http) is for a loopback address only, unless O(allow_http=true).
    type: str
  allow_http:
    description:
      - Whether O(api_url) may be a C(http) address of another machine. The integration key then travels unencrypted.
    type: bool
    default: false
  validate_certs:
    description:
      - Whether the server's certificate is checked. Only a word for no says that it is not; an empty value counts as
        not given, and any other is an error.
    type: bool
    default: true
  ca_path:
    description:
      - A file or a folder with the certificates of the authorities to trust, on the machine that sends, in the place of
        all others.
      - Without it the first of E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE) and E(SSL_CERT_FILE) counts, then the
        authorities that C(requests) brings. Those are the ones of the Python library C(certifi), or, where the system's
        packages provide C(requests), mostly the system's own.
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
      - Without it E(HTTPS_PROXY), E(HTTP_PROXY), E(ALL_PROXY) and E(NO_PROXY) are used, as they are where
        C(ansible-playbook) runs. Those in the C(environment) of a play, role or block are meant for managed hosts and
        count for a task that is delegated to one; in the task's own C(environment) they always count.
      - C(socks5) and C(socks5h) need the Python library C(PySocks) on the machine that sends.
    type: str
  timeout:
    description:
      - Seconds that one attempt may take, connecting, sending and reading the answer together.
    type: float
    default: 10.0
requirements:
  - requests, on the machine that sends
"""

    PLUGINS = r"""
options:
  routing_key:
    env:
      - name: PAGERDUTY_ROUTING_KEY
    ini:
      - section: pagerduty
        key: routing_key
  routing_key_file:
    env:
      - name: PAGERDUTY_ROUTING_KEY_FILE
    ini:
      - section: pagerduty
        key: routing_key_file
  region:
    env:
      - name: PAGERDUTY_REGION
    ini:
      - section: pagerduty
        key: region
  api_url:
    env:
      - name: PAGERDUTY_API_URL
    ini:
      - section: pagerduty
        key: api_url
  allow_http:
    env:
      - name: PAGERDUTY_ALLOW_HTTP
    ini:
      - section: pagerduty
        key: allow_http
  validate_certs:
    env:
      - name: PAGERDUTY_VALIDATE_CERTS
    ini:
      - section: pagerduty
        key: validate_certs
  ca_path:
    env:
      - name: PAGERDUTY_CA_PATH
    ini:
      - section: pagerduty
        key: ca_path
  client_cert:
    env:
      - name: PAGERDUTY_CLIENT_CERT
    ini:
      - section: pagerduty
        key: client_cert
  client_key:
    env:
      - name: PAGERDUTY_CLIENT_KEY
    ini:
      - section: pagerduty
        key: client_key
  proxy:
    env:
      - name: PAGERDUTY_PROXY
    ini:
      - section: pagerduty
        key: proxy
  timeout:
    env:
      - name: PAGERDUTY_TIMEOUT
    ini:
      - section: pagerduty
        key: timeout
"""
