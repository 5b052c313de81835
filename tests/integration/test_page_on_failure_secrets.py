# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A corpus of tasks that leak secrets as people's tasks do; nothing of that leaves the controller."""

from __future__ import annotations

import base64
import json
from typing import Any

from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import MASK
from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    KEY,
    cfg,
    closing,
    details,
    events,
    hosts,
    play,
    script,
    warnings,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

VAULT_PASSWORD = "the vault's own"

#: by what they are; no two share a piece, so that a finding says which one it was
SECRETS = {
    "variable": "Zq8-variable-Wm3",
    "vaulted": 'Kx5 vaulted & quoted" Pd2',
    "short": "s3cr3t!",
    "url": "Vt7urlPassw0rd",
    "cli": "Nf4cliT0ken99",
    "header": "Gh6bearerJk1Qw9Zx8",
    "hidden": "Rb2hiddenLy5",
    "looped": "Tc9loopedSe4",
    "registered": "Ua3registeredDi6",
    "base64": "Ow1encodedXn8 value",
    "json": "Eb0jsonMr7",
    "number": "8264917350",
    "aws": "AKIAQX7T2M4LPZ9WKR3V",
    "play": "Md4playedYu6",
}
PEM = """-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEAuVq7WZ4hQbkTNFzsDkmPbbRwqK0TQDzbGn2dYF3vXzR8Hq1c
cJ2Vt6PzjzYb4Cq8Ff0m7Q5o8wTgXnM1eUu9KJdHs3ZrLa6pSgVxNyRkWtEiBoCm
-----END RSA PRIVATE KEY-----
"""
ENCODED = base64.b64encode(f"user:{SECRETS['base64']}".encode()).decode()


def vaulted(text: str) -> str:
    encrypted: bytes = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))]).encrypt(text)
    return encrypted.decode()


def broken(name: str, message: str, **keywords: Any) -> dict[str, Any]:
    return {"name": name, "ansible.builtin.fail": {"msg": message}, **keywords}


#: each runs on a host of its own
LEAKS: dict[str, dict[str, Any]] = {
    "message": broken("Say it", "login with {{ db_password }} failed"),
    "name": broken("Connect as admin/{{ db_password }}", "no"),
    "vaulted": broken("Say what was vaulted", "got {{ vault_it }} and {{ plain_name }}"),
    "jsonvault": broken("Say it as JSON", "{{ {'a': plain_name} | to_json }}"),
    "short": broken("Say the short one", "it is {{ app_secret }}, really"),
    "number": broken("Say the number", "pin {{ door_passcode }}"),
    "stderr": script(
        "Print to stderr", f"echo 'curl -H \"Authorization: Bearer {SECRETS['header']}\" failed' >&2; exit 1"
    ),
    "command": script("Run a command line", f"false # --token {SECRETS['cli']}"),
    "echoed": script("Echo a command line", f"echo 'mysql --password={SECRETS['cli']} -u root: denied' >&2; exit 1"),
    "url": broken("Clone", f"cannot clone https://bot:{SECRETS['url']}@git.example.com/shop.git"),
    "stdout": script("Print to stdout", f"echo {SECRETS['hidden']}; exit 1"),
    "nolog": broken(
        "Hide {{ hidden_value }}", "{{ hidden_value }}", no_log=True, vars={"hidden_value": SECRETS["hidden"]}
    ),
    "templatednolog": broken(
        "Hide by template", "{{ hidden_value }}", no_log="{{ 1 == 1 }}", vars={"hidden_value": SECRETS["hidden"]}
    ),
    "nologloop": broken("Hide a loop", "{{ item }}", no_log=True, loop=[SECRETS["looped"]]),
    "loop": broken("Show a loop", "item {{ item.user }}", loop=[{"user": "x", "password": SECRETS["looped"]}]),
    "registered": broken("Say what was registered", "{{ before.stdout }}"),
    "template": {"name": "Break a template", "ansible.builtin.debug": {"msg": "{{ db_password | nosuchfilter }}"}},
    "undefined": {
        "name": "Break an expression",
        "ansible.builtin.debug": {"msg": f"{{{{ {{'password': '{SECRETS['json']}'}}.nothing.at_all }}}}"},
    },
    "json": broken("Say JSON", json.dumps({"user": "x", "password": SECRETS["json"]})),
    "pem": broken("Show a key file", "cannot load {{ tls_pem }}"),
    "pemvar": broken("Show a vaulted key file", "cannot load {{ key_material }}"),
    "base64": broken("Show a header", "refused: {{ ('user:' ~ api_token) | b64encode }}"),
    "aws": broken("Show an access key", f"InvalidAccessKeyId {SECRETS['aws']}"),
    "details": broken(
        "Add it",
        "no",
        vars={
            "pagerduty_summary": "{{ failure.summary }} {{ db_password }}",
            "pagerduty_component": "{{ db_password }}",
            "pagerduty_client_url": f"https://x:{SECRETS['url']}@ci.example.com",
            "pagerduty_custom_details": {"{{ x }}": "{{ db_password }}", "half": "{{ failure.message | truncate(5) }}"},
            "pagerduty_dedup_key": "add/{{ db_password }}",
        },
    ),
    "cut": broken("Say it on the edge", "{{ 'm' * 1990 }}{{ db_password }}"),
}

VARIABLES = {
    "db_password": SECRETS["variable"],
    "app_secret": SECRETS["short"],
    "door_passcode": int(SECRETS["number"]),
    "api_token": SECRETS["base64"],
    "tls_pem": PEM,
}


def test_nothing_secret_leaves_the_controller(ansible: Ansible, simulator: Simulator) -> None:
    group_vars = "".join(f"{name}: {json.dumps(value)}\n" for name, value in VARIABLES.items())
    for name, text in (("plain_name", SECRETS["vaulted"]), ("key_material", PEM)):
        group_vars += f"{name}: !vault |\n" + "".join(f"  {line}\n" for line in vaulted(text).splitlines())
    group_vars += 'vault_it: "{{ plain_name }}"\n'
    before = script("Ask", f"echo {SECRETS['registered']}", register="before", changed_when=False)
    registered = {"when": "inventory_hostname == 'registered'"}
    tasks = [
        {**before, **registered},
        *({**task, "when": f"inventory_hostname == '{host}'"} for host, task in LEAKS.items()),
    ]
    tasks = [
        {**task, "vars": {**task.get("vars", {}), "session_secret": "{{ before.stdout }}"}}
        if task["name"] == "Say what was registered"
        else task
        for task in tasks
    ]

    run = ansible(
        [play("Leak {{ play_password }}", "all", *tasks, vars={"play_password": SECRETS["play"]})],
        "--vault-password-file",
        "password",
        inventory=hosts(*LEAKS, "fine"),
        files={"password": VAULT_PASSWORD, "group_vars/all.yml": group_vars},
        cfg=cfg(simulator, group_by="play, task"),
    )

    assert run.rc == 2, run.output
    assert {host for host, counts in (run.stats or {}).items() if counts["failures"]} == set(LEAKS)
    received = events(simulator)
    assert len(received) == len(LEAKS) == len(simulator.incidents)
    pem_lines = [line for line in PEM.splitlines() if not line.startswith("-----")]
    secrets = [*SECRETS.values(), *pem_lines, ENCODED]
    folder = ansible.home / ".ansible" / "oncall.pagerduty"
    (line,) = closing(run)
    for request in received:
        assert isinstance(request.json, dict)
        body = {name: value for name, value in request.json.items() if name != "routing_key"}
        assert_no_secret(body, *secrets, KEY, where=str(request.summary))
    assert_no_secret(line, *secrets, KEY)
    assert_no_secret(warnings(run), *secrets, KEY)
    logs = list(folder.glob("*.log"))
    assert logs
    for log in logs:
        assert_no_secret(log.read_text(), *secrets, KEY, where=log.name)

    # What is left is still of use.
    by_task = {details(request)["task"]: details(request) for request in received}
    assert by_task["Clone"]["message"].endswith("@git.example.com/shop.git")
    assert by_task["Say it"]["message"].startswith("login with ")
    assert by_task["Say it"]["message"].endswith(" failed")
    assert by_task["Hide {{ hidden_value }}"]["message"] == "The task hides its result (no_log)."
    assert "non-zero return code" in by_task["Print to stdout"]["message"]
    keys = {request.dedup_key for request in received}
    assert "ansible:play=Leak {{ play_password }}:task=Connect as admin/{{ db_password }}" in keys


def test_secrets_that_come_from_lookups(ansible: Ansible, simulator: Simulator) -> None:
    variables = {
        "from_environment": "{{ lookup('env', 'DB') }}",
        "db_password": "{{ from_environment }}",
        "app_secret": "{{ lookup('file', playbook_dir ~ '/app.txt') }}",
        # Stands for a secret manager: each time it is asked is counted.
        "store": {"api": "{{ lookup('pipe', 'echo asked >> asked.txt; echo token-Lq4managedFp8') }}"},
        "api_token": "{{ store.api }}",
    }
    tasks = [broken("Say it", "{{ db_password }} or {{ app_secret }}")]
    files = {"app.txt": SECRETS["variable"]}
    options: dict[str, Any] = {"files": files, "env": {"DB": SECRETS["url"]}, "play": {"vars": variables}}

    run = ansible.tasks(tasks, cfg=cfg(simulator), **options)

    assert run.rc == 2
    (event,) = events(simulator)
    assert details(event)["message"] == f"{MASK} or {MASK}"
    assert_no_secret(json.dumps(event.json), *SECRETS.values())
    assert not (ansible.project / "asked.txt").exists()

    # What only a secret manager knows is not known here: documented, and why there is no_log.
    ansible.tasks([broken("Say it", "it is {{ api_token }}")], cfg=cfg(simulator), **options)
    assert details(events(simulator)[-1])["message"] == "it is token-Lq4managedFp8"
    assert (ansible.project / "asked.txt").read_text().count("asked") == asked_by_ansible(ansible, options)


def asked_by_ansible(ansible: Ansible, options: dict[str, Any]) -> int:
    """How often ansible-playbook alone asks the store."""
    (ansible.project / "asked.txt").unlink()
    ansible.tasks([broken("Say it", "it is {{ api_token }}")], **options)
    return (ansible.project / "asked.txt").read_text().count("asked")
