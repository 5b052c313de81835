# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tasks take their settings from: task, variable, environment, ansible.cfg, and the key from a file."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.events import (
    BOTH_PATHS,
    HOSTS,
    KEY,
    incident,
    on_path,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

CFG_KEY, ENV_KEY, TASK_ENV_KEY, VAR_KEY = ("c" * 32, "e" * 32, "f" * 32, "a" * 32)

PLAY = {"hosts": "db1", "ignore_errors": True}

pytestmark = pytest.mark.parametrize("path", BOTH_PATHS)


def test_the_nearest_place_that_says_something_counts(ansible: Ansible, simulator: Simulator, path: str) -> None:
    ansible.write("keys/pagerduty.key", CFG_KEY + "\n").chmod(0o600)
    cfg = f"""
[pagerduty]
routing_key_file = keys/pagerduty.key  ; beside this file
api_url = {simulator.url}
max_retries = 3
retry_base_interval = 1e-3
jitter = off
"""
    in_task_environment = {"environment": {"PAGERDUTY_ROUTING_KEY": TASK_ENV_KEY, "PAGERDUTY_MAX_RETRIES": "1"}}
    in_variables = {"vars": {"pagerduty_routing_key": VAR_KEY, "pagerduty_max_retries": "{{ 1 - 1 }}"}}
    tasks = [
        incident("ansible.cfg", {"summary": "x"}),
        incident("environment", {"summary": "x"}, **in_task_environment),
        incident("variable", {"summary": "x"}, **in_task_environment, **in_variables),
        incident("task", {"summary": "x", "routing_key": KEY, "max_retries": 2}, **in_task_environment, **in_variables),
        incident("blank is nothing", {"summary": "x"}, vars={"pagerduty_routing_key": "", "pagerduty_max_retries": ""}),
    ]
    simulator.add_fault(Fault("status", count=1000))

    run = ansible.tasks(on_path(path, tasks), play=PLAY, inventory=HOSTS, cfg=cfg, name="plays/playbook.yml")

    keys = list(dict.fromkeys(request.key for request in simulator.requests))
    attempts = {task["name"]: run.task(task["name"], "db1").result["attempts"] for task in tasks}
    assert keys == [CFG_KEY, TASK_ENV_KEY, VAR_KEY, KEY]
    assert attempts == {"ansible.cfg": 4, "environment": 2, "variable": 1, "task": 3, "blank is nothing": 4}


def test_the_processs_environment_counts_before_ansible_cfg(ansible: Ansible, simulator: Simulator, path: str) -> None:
    cfg = f"[pagerduty]\nrouting_key_file = nowhere\napi_url = {simulator.url}\nallow_http = no\n"
    env = {
        "PAGERDUTY_ROUTING_KEY": ENV_KEY,
        "PAGERDUTY_ALLOW_HTTP": "Yes",
        "PAGERDUTY_TIMEOUT": "0.25",
        "PAGERDUTY_MAX_RETRIES": "0",
        "PAGERDUTY_API_VERSION": "v1",
    }
    simulator.add_fault(Fault("black_hole", action="resolve"))
    tasks = [
        incident("key and version", {"summary": "x", "source": "y"}),
        incident("yes", {"summary": "x", "api_url": "http://events.example.com"}, check_mode=True),
        incident("no", {"summary": "x", "api_url": "http://events.example.com", "allow_http": "false"}),
        incident("seconds", {"state": "resolved", "dedup_key": "x"}),
    ]

    run = ansible.tasks(on_path(path, tasks), play=PLAY, inventory=HOSTS, cfg=cfg, env=env)

    assert [(request.api, request.key) for request in simulator.requests] == [("v1", ENV_KEY)] * 2
    assert run.task("yes", "db1").status == "ok"
    assert "unencrypted" in run.task("no", "db1").result["msg"]
    assert "within 0.25 s" in run.task("seconds", "db1").result["message"]


def test_what_is_empty_leaves_it_to_the_next_place(ansible: Ansible, simulator: Simulator, path: str) -> None:
    cfg = f"[pagerduty]\nrouting_key = {CFG_KEY}\napi_url = {simulator.url}\njitter = off\nregion =\n"
    blank = {
        f"PAGERDUTY_{name}": "" for name in ("ROUTING_KEY", "ROUTING_KEY_FILE", "API_URL", "VALIDATE_CERTS", "QUEUE")
    }
    env = {**blank, "PAGERDUTY_ROUTING_KEY": ENV_KEY, "PAGERDUTY_REGION": " "}
    arguments = {"routing_key": "", "region": " ", "validate_certs": "{{ nowhere | default('') }}", "links": ""}
    of_event = {"severity": "", "state": "", "custom_details": "", "timestamp": "", "client": ""}
    tasks = [
        incident("task", {"summary": "x", **arguments, **of_event}),
        incident("variables", {"summary": "x"}, vars={"pagerduty_routing_key": "{{ none }}", "pagerduty_timeout": ""}),
        incident("omitted", {"summary": "x"}, vars={"pagerduty_routing_key": "{{ omit }}"}),
        incident("environment of the task", {"summary": "x"}, environment=blank),
        incident("none there", {"summary": "x"}, environment={"PAGERDUTY_ROUTING_KEY": "{{ none }}"}),
    ]

    run = ansible.tasks(on_path(path, tasks), play=PLAY, inventory=HOSTS, cfg=cfg, env=env)

    assert [run.task(task["name"], "db1").status for task in tasks] == ["ok"] * len(tasks), run.output
    assert [request.key for request in simulator.accepted] == [ENV_KEY] * len(tasks)
    assert {incident.severity for incident in simulator.incidents} == {"error"}


def test_a_typing_error_never_switches_the_check_of_certificates_off(ansible: Ansible, path: str) -> None:
    known = {"summary": "x", "routing_key": KEY, "max_retries": 0, "api_url": "https://127.0.0.1:9"}
    tasks = [
        incident("task", {**known, "validate_certs": "ture"}),
        incident("variable", known, vars={"pagerduty_validate_certs": "ture"}),
        incident("environment", known, environment={"PAGERDUTY_VALIDATE_CERTS": "ture"}),
        incident("ansible.cfg", known),
    ]

    run = ansible.tasks(
        on_path(path, tasks), play=PLAY, inventory=HOSTS, cfg="[pagerduty]\nvalidate_certs = ture # checked\n"
    )

    messages = {task["name"]: run.task(task["name"], "db1").result["msg"] for task in tasks}
    expected = "was given; expected true or false, or another word that Ansible takes for one of them"
    in_file = f"validate_certs under [pagerduty] in {ansible.project / 'ansible.cfg'}"
    assert messages == {
        "task": f"validate_certs: 'ture' {expected}",
        "variable": f"validate_certs: 'ture' {expected} (set by pagerduty_validate_certs of the host)",
        "environment": f"validate_certs: 'ture' {expected} (set by PAGERDUTY_VALIDATE_CERTS in the environment)",
        "ansible.cfg": f"validate_certs: 'ture # checked' {expected}; in ansible.cfg, a comment after a value begins"
        f" with ; (set by {in_file})",
    }


def test_an_unusable_value_is_reported_with_its_place(ansible: Ansible, path: str) -> None:
    cfg = "[pagerduty]\nmax_retries = many\nca_path = authority.pem\n"
    known = {"summary": "x", "routing_key": KEY, "max_retries": 0}
    tasks = [
        incident("ansible.cfg", {"summary": "x", "routing_key": KEY}),
        incident("variable", known, vars={"pagerduty_jitter": "perhaps"}),
        incident("environment", known, environment={"PAGERDUTY_DEADLINE": "-1"}),
        incident("key", {"summary": "x", "max_retries": 0}, environment={"PAGERDUTY_ROUTING_KEY": KEY[1:]}),
        incident("file", known, check_mode=True),
    ]

    run = ansible.tasks(on_path(path, tasks), play=PLAY, inventory=HOSTS, cfg=cfg)

    messages = {task["name"]: run.task(task["name"], "db1").result["msg"] for task in tasks}
    cfg_file = ansible.project / "ansible.cfg"
    assert "max_retries" in messages["ansible.cfg"]
    assert f"(set by max_retries under [pagerduty] in {cfg_file})" in messages["ansible.cfg"]
    assert "(set by pagerduty_jitter of the host)" in messages["variable"]
    assert messages["environment"] == (
        "deadline: -1.0 was given; expected seconds, up to 86400 (set by PAGERDUTY_DEADLINE in the environment)"
    )
    assert "31 characters" in messages["key"]
    assert "(set by PAGERDUTY_ROUTING_KEY in the environment)" in messages["key"]
    assert repr(str(ansible.project / "authority.pem")) in messages["file"]
    assert_no_secret(run, KEY[1:])


ROLE_TASKS = [incident("from a role", {"summary": "role", "routing_key_file": "role.key"})]


def test_the_key_is_read_from_a_file_as_ansible_reads_files(ansible: Ansible, simulator: Simulator, path: str) -> None:
    keys = {name: character * 32 for name, character in zip(("plain", "vaulted", "beside", "role", "open"), "bcdef")}
    ansible.write("plain.key", f" \n{keys['plain']}\r\n")
    ansible.write("vaulted.key", keys["vaulted"])
    ansible.write("files/beside.key", keys["beside"])
    ansible.write("roles/pager/files/role.key", keys["role"])
    ansible.write("open.key", keys["open"])
    ansible.write("password", "open sesame")
    for name in ("plain.key", "files/beside.key", "roles/pager/files/role.key"):
        (ansible.project / name).chmod(0o600)
    (ansible.project / "open.key").chmod(0o644)
    ansible.command("ansible-vault", "encrypt", "--vault-password-file", "password", "vaulted.key")
    vaulted = (ansible.project / "vaulted.key").read_text()
    assert vaulted.startswith("$ANSIBLE_VAULT")
    tasks = [
        incident("plain", {"summary": "plain", "routing_key_file": "{{ playbook_dir }}/plain.key"}),
        incident("vaulted", {"summary": "vaulted", "routing_key_file": "{{ playbook_dir }}/vaulted.key"}),
        incident("beside", {"summary": "beside", "routing_key_file": "beside.key"}),
        {"name": "use the role", "ansible.builtin.include_role": {"name": "pager"}},
        incident("open", {"summary": "open", "routing_key_file": "{{ playbook_dir }}/open.key"}),
        incident("vaulted variable", {"summary": "variable", "routing_key": "{{ vault_key }}"}),
    ]

    run = ansible.tasks(
        on_path(path, tasks[:3]) + tasks[3:4] + on_path(path, tasks[4:]),
        "--vault-password-file",
        "password",
        play={**PLAY, "vars": {"pagerduty_api_url": simulator.url}},
        inventory=HOSTS,
        files={
            "roles/pager/tasks/main.yml": on_path(path, ROLE_TASKS),
            "group_vars/all.yml": "vault_key: !vault |\n  " + vaulted.replace("\n", "\n  "),
        },
    )

    assert run.rc == 0, run.output
    used = {request.summary: request.key for request in simulator.requests}
    assert used == {**keys, "variable": keys["vaulted"]}
    warnings = " ".join(run.output.split())
    assert warnings.count("everybody can read") == 1
    assert "/open.key' (mode 0644); `chmod 600` keeps the key to yourself" in warnings.replace("/ open", "/open")
    assert_no_secret(run, *keys.values())


def test_a_key_file_that_cannot_be_used_is_explained(ansible: Ansible, simulator: Simulator, path: str) -> None:
    ansible.write("empty.key", "\n")
    ansible.write("comment.key", f"# the shop's\n{KEY}\n")
    ansible.write("vaulted.key", "$ANSIBLE_VAULT;1.1;AES256\n3031\n")
    tasks = [
        incident(name, {"summary": "x", "routing_key_file": f"{{{{ playbook_dir }}}}/{name}.key"})
        for name in ("missing", "empty", "comment", "vaulted")
    ]
    tasks.append(incident("relative", {"summary": "x", "routing_key_file": "nowhere.key"}))
    tasks.append(incident("both", {"summary": "x", "routing_key_file": "empty.key", "routing_key": KEY}))
    tasks.append(incident("none", {"summary": "x"}))

    run = ansible.tasks(
        on_path(path, tasks), play={**PLAY, "vars": {"pagerduty_api_url": simulator.url}}, inventory=HOSTS
    )

    messages = {task["name"]: run.task(task["name"], "db1").result["msg"] for task in tasks}
    assert "missing.key' cannot be read: No such file or directory" in messages["missing"]
    assert "empty.key' is empty; expected a PagerDuty integration key" in messages["empty"]
    assert "comment.key' has 45 characters; expected" in messages["comment"]
    assert "vaulted.key' cannot be read: " in messages["vaulted"]
    assert "vault" in messages["vaulted"]
    assert "there is no 'nowhere.key' in these folders or in their subfolder 'files': " in messages["relative"]
    assert messages["relative"].endswith(str(ansible.project))
    assert "mutually exclusive: routing_key|routing_key_file" in messages["both"]
    for place in ("pagerduty_routing_key", "PAGERDUTY_ROUTING_KEY", "routing_key_file under [pagerduty]"):
        assert place in messages["none"]
    assert simulator.requests == []
    assert_no_secret(run, KEY)


class Proxy(socketserver.ThreadingTCPServer):
    """Notes whom it is asked to connect to, and with what credentials; connects to nobody."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.asked: list[tuple[str, str]] = []
        self.place = f"127.0.0.1:{self.server_address[1]}"


class ProxyHandler(socketserver.StreamRequestHandler):
    """Reads the head of one request and says no."""

    server: Proxy

    def handle(self) -> None:
        head = [line.decode().strip() for line in iter(self.rfile.readline, b"\r\n") if line]
        credentials = [line.split()[-1] for line in head if line.lower().startswith("proxy-authorization:")]
        self.server.asked.append((head[0].split()[1], base64.b64decode("".join(credentials)).decode()))
        self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


def test_region_and_proxy_are_honoured(ansible: Ansible, proxy: Proxy, path: str) -> None:
    known: dict[str, Any] = {"summary": "x", "routing_key": KEY, "max_retries": 0}
    tasks = [
        incident("option", {**known, "proxy": f"http://pager:pass-word@{proxy.place}"}),
        incident("environment", {**known, "region": "eu"}, environment={"HTTPS_PROXY": f"http://{proxy.place}"}),
    ]

    run = ansible.tasks(on_path(path, tasks), play=PLAY, inventory=HOSTS)

    assert proxy.asked == [("events.pagerduty.com:443", "pager:pass-word"), ("events.eu.pagerduty.com:443", "")]
    for task in tasks:
        assert "the proxy did not connect to events" in run.task(task["name"], "db1").result["msg"]
    assert_no_secret(run, "pass-word")
