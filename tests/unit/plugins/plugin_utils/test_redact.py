# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing secret leaves, and what people need to read stays."""

from __future__ import annotations

import base64
import copy
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing import vault
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultEditor, VaultLib, VaultSecret
from ansible.template import Templar
from ansible.vars.manager import VariableManager

from ansible_collections.oncall.pagerduty.plugins.callback import page_on_failure
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import MASK
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _secret_variables
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._redact import Redactor
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._secret_shapes import is_secret_name
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._secret_variables import secrets_of

DEFAULT_PATTERNS = tuple(yaml.safe_load(page_on_failure.DOCUMENTATION)["options"]["redact_variables"]["default"])
SECRET = "S3cr/t+W0rd&\"x'é"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0m59l2u9\niDnMbrXHfqkOrn2dVQ3vfBJq\n-----END RSA PRIVATE KEY-----"
)
BLOB = "$ANSIBLE_VAULT;1.1;AES256\n62313365396662343061393464336163383764373764613633653634306231\n6438626436623361"

# Which variables are secret


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "DB_PASSWORD",
        "ansible_become_pass",
        "ansible_ssh_passwd",
        "key_passphrase",
        "client_secret",
        "githubToken",
        "aws_secret_access_key",
        "api-key",
        "pagerduty_api_key",
        "ssl_private_key",
        "vault_anything",
        "pagerduty_routing_key",
        "slack_webhook_url",
        "MYSQL_PWD",
        "registry_credentials",
    ],
)
def test_default_patterns_know_names_of_secrets(name: str) -> None:
    assert secrets_of({name: "abcdef"}, DEFAULT_PATTERNS) == {"abcdef"}


@pytest.mark.parametrize(
    "name",
    [
        "user",
        "inventory_hostname",
        "password_file",
        "tls_private_key_path",
        "secret_name",
        "bypass",
        "passenger",
        "keys",
    ],
)
def test_default_patterns_leave_other_names(name: str) -> None:
    assert secrets_of({name: "abcdef"}, DEFAULT_PATTERNS) == frozenset()


@pytest.mark.parametrize(
    ("variables", "patterns", "secrets"),
    [
        ({"db": {"user": "bob", "password": "hunter2x"}}, ["password"], {"hunter2x"}),
        (
            {"db_passwords": {"a": "first-one", "b": ["2nd-one", {"c": "3rd-one"}]}},
            ["*password*"],
            {"first-one", "2nd-one", "3rd-one"},
        ),
        ({"users": [{"name": "bob", "Password": "hunter2x"}]}, ["password"], {"hunter2x"}),
        ({"wifi_42": "abcdef", "wifi_x": "ghijkl"}, ["wifi_[0-9]?"], {"abcdef"}),
        ({"abcd": "secret", "xabcd": "other-one"}, ["abc?"], {"secret"}),
        ({"a_key": "abcdef", "a_key_id": "ghijkl"}, ["*key*", "!*_id"], {"abcdef"}),
        ({"anything": "abcdef"}, ["*"], {"abcdef"}),
        ({"password": "abcdef"}, [], set()),
        ({7: "abcdef", "password": "ghijkl"}, ["password"], {"ghijkl"}),
    ],
)
def test_names_match_at_every_depth(variables: Any, patterns: list[str], secrets: set[str]) -> None:
    assert secrets_of(variables, patterns) == secrets


@pytest.mark.parametrize(
    "value",
    ["", "abc", "  abc ", "****", "True", "false", "none", "NULL", "8080", "-3.25", None, True, 5432, 1.5, b"ab"],
)
def test_values_that_would_spoil_texts_are_left_alone(value: Any) -> None:
    assert secrets_of({"password": value}, DEFAULT_PATTERNS) == frozenset()


@pytest.mark.parametrize(
    ("value", "secret"), [(84930217, "84930217"), ("849302", "849302"), (b"bytes-too", "bytes-too")]
)
def test_long_numbers_and_bytes_are_secrets(value: Any, secret: str) -> None:
    assert secrets_of({"password": value}, DEFAULT_PATTERNS) == {secret}


def test_templates_count_only_if_they_can_be_resolved() -> None:
    variables = {
        "db_password": "{{ other }}",
        "list_password": ["{{ other }}"],
        "api_token": "{% if x %}abc{% endif %}",
    }

    def raises(value: Any) -> Any:
        raise RuntimeError(value)

    assert secrets_of(variables, DEFAULT_PATTERNS) == frozenset()
    assert secrets_of(variables, DEFAULT_PATTERNS, raises) == frozenset()
    assert secrets_of(variables, DEFAULT_PATTERNS, lambda value: {"x": "resolved"}) == {"resolved"}
    assert secrets_of(variables, DEFAULT_PATTERNS, lambda value: "a {{ b }}") == {"a {{ b }}"}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("{{ lookup('env', 'X') }}", True),
        ("{{ lookup('ansible.builtin.file', 'x') }}", True),
        ("{{ lookup('community.hashi_vault.hashi_vault', 'x') }}", False),
        ("{{ query('pipe', 'rm x') }}", False),
        ("{{ q ( name, 'x') }}", False),
    ],
)
def test_lookups_that_may_leave_this_machine_are_not_repeated(text: str, asked: bool) -> None:
    found = secrets_of({"password": text}, DEFAULT_PATTERNS, lambda value: "resolved")
    assert found == ({"resolved"} if asked else frozenset())


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("{{ near }}", True),
        ("{{ far }}", False),
        ("{{ nested.a[0].b }}", False),
        ("{{ vars['far'] }}", False),
        ("{{ lookup('vars', 'through') }}", False),
        ("{{ through | default('x') }}", False),
        ("{{ circle }}", True),
        ("{{ plain }}", True),
    ],
)
def test_nor_are_those_in_variables_that_a_value_refers_to(text: str, asked: bool) -> None:
    variables = {
        "the_password": text,
        "near": "{{ lookup('env', 'X') }}",
        "far": "{{ lookup('pipe', 'slow') }}",
        "nested": {"a": [{"b": "{{ query('url', 'x') }}"}]},
        "through": "{{ near }}{{ far }}",
        "circle": "{{ other_circle }}",
        "other_circle": "{{ circle }}",
        "plain": "lookup('pipe', 'no template')",
    }
    found = secrets_of(variables, DEFAULT_PATTERNS, lambda value: "resolved")
    assert ("resolved" in found) is asked


def test_other_hosts_and_endless_values_are_not_walked() -> None:
    endless: dict[str, Any] = {"password": "abcdef"}
    endless["again"] = endless

    class OtherHosts(Mapping[str, Any]):
        def __getitem__(self, name: str) -> Any:
            raise KeyError(name)

        def __iter__(self) -> Any:
            raise AssertionError("walked")

        def __len__(self) -> int:
            return 1

    variables = {
        "hostvars": {"web2": {"password": "others"}},
        "x": OtherHosts(),
        "vars": {"password": "others"},
        "e": endless,
    }
    assert secrets_of(variables, DEFAULT_PATTERNS) == {"abcdef"}


def test_one_value_that_raises_hides_no_other() -> None:
    class Broken(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            if name == "broken":
                raise RuntimeError("not today")
            return super().__getitem__(name)

    class Hostile(str):
        def __str__(self) -> str:
            raise RuntimeError("not today")

    variables = {
        "a_password": Hostile("x"),
        "map": Broken(broken="x", password="abcdef"),
        "z_password": "ghijkl",
    }
    assert secrets_of(variables, DEFAULT_PATTERNS) == {"abcdef", "ghijkl"}


def test_a_host_with_many_variables_takes_milliseconds() -> None:
    variables: dict[str, Any] = {f"some_app_setting_{number}": f"value {number}" for number in range(2_000)}
    variables["db_password"] = "abcdef"
    best = 1.0
    for _turn in range(5):
        start = time.perf_counter()
        assert secrets_of(variables, DEFAULT_PATTERNS) == {"abcdef"}
        best = min(best, time.perf_counter() - start)
    assert best < 0.02  # about 1 ms on an idle machine


# Real variables of a real inventory

PASSWORD = b"vault-password"


def _vault(password: bytes = PASSWORD) -> VaultLib:
    return VaultLib(secrets=[("default", VaultSecret(password))])


def _inline(secret: str, password: bytes = PASSWORD) -> str:
    blob = _vault(password).encrypt(secret, secret=VaultSecret(password)).decode()
    return "!vault |\n" + "".join(f"          {line}\n" for line in blob.splitlines())


def _encrypt(path: Path) -> None:
    VaultEditor(_vault()).encrypt_file(str(path), VaultSecret(PASSWORD))


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """An inventory with an inline vaulted value, a folder of group variables and a file that is vaulted as a whole."""
    (tmp_path / "hosts").write_text("[web]\nweb1 ini_password=from-the-ini\n", encoding="utf-8")
    folder = tmp_path / "group_vars" / "web"
    folder.mkdir(parents=True)
    (folder / "main.yml").write_text(
        f"plain: readable-text\nport: 8080\nunremarkable: {_inline('inline-s3cret')}"
        f"nested:\n  - deep: {_inline('nested-s3cret').replace('          ', '              ')}"
        f"foreign: {_inline('not-to-be-read', b'another')}"
        "db_password: '{{ unremarkable }}'\n",
        encoding="utf-8",
    )
    whole = folder / "vault.yml"
    whole.write_text("ordinary: whole-s3cret\nlisted:\n  - [a: deep-s3cret, b: 84930217]\n", encoding="utf-8")
    _encrypt(whole)
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "web1.yml").write_text("greeting: hello world\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def vault_secrets(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The vault passwords, told to ansible-core in the way of the version at hand."""
    secrets = [("default", VaultSecret(PASSWORD))]
    if hasattr(vault, "VaultSecretsContext"):
        monkeypatch.setattr(vault.VaultSecretsContext, "_current", None)
        vault.VaultSecretsContext.initialize(vault.VaultSecretsContext(secrets))
    monkeypatch.setattr(_secret_variables, "_decrypted_before", {})
    return secrets


def _host_variables(inventory: Path, secrets: list[Any]) -> tuple[dict[str, Any], DataLoader]:
    loader = DataLoader()
    loader.set_vault_secrets(secrets)
    hosts = InventoryManager(loader=loader, sources=[str(inventory / "hosts")])
    manager = VariableManager(loader=loader, inventory=hosts)
    return manager.get_vars(host=hosts.get_host("web1")), loader


def test_vaulted_variables_of_a_real_inventory(inventory: Path, vault_secrets: list[Any]) -> None:
    variables, _host = _host_variables(inventory, vault_secrets)
    assert secrets_of(variables, []) == {"inline-s3cret", "nested-s3cret", "whole-s3cret", "deep-s3cret", "84930217"}
    assert secrets_of(variables, ["ini_*"]) >= {"from-the-ini", "whole-s3cret"}


def test_real_templates_are_resolved_on_request(inventory: Path, vault_secrets: list[Any]) -> None:
    variables, loader = _host_variables(inventory, vault_secrets)
    del variables["foreign"]
    templar = Templar(loader=loader, variables=variables)
    only = {"db_password": variables["db_password"]}
    assert secrets_of(only, DEFAULT_PATTERNS) == frozenset()
    assert secrets_of(only, DEFAULT_PATTERNS, templar.template) == {"inline-s3cret"}


def test_a_vaulted_value_is_decrypted_once(
    inventory: Path, vault_secrets: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables, _host = _host_variables(inventory, vault_secrets)
    before = secrets_of(variables, [])

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("decrypted again")

    monkeypatch.setattr(VaultLib, "decrypt", fail)
    assert secrets_of(copy.copy(variables), []) == before


def test_without_a_vault_password_nothing_is_raised(inventory: Path, vault_secrets: list[Any]) -> None:
    variables, _host = _host_variables(inventory, vault_secrets)
    if hasattr(vault, "VaultSecretsContext"):
        vault.VaultSecretsContext._current = vault.VaultSecretsContext([])
    else:
        variables["unremarkable"].vault.secrets = []
    assert secrets_of(variables, []) == {"whole-s3cret", "deep-s3cret", "84930217"}


# What becomes of a known secret


@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(SECRET.upper(), id="upper case"),
        pytest.param(json.dumps({"x": SECRET}), id="JSON"),
        pytest.param(json.dumps({"x": SECRET}, ensure_ascii=False), id="JSON, not ASCII"),
        pytest.param(json.dumps(json.dumps({"x": SECRET})), id="JSON in JSON"),
        pytest.param(repr({"x": SECRET}), id="Python"),
        pytest.param("https://x/?q=" + quote(SECRET), id="URL path"),
        pytest.param("https://x/?q=" + quote(SECRET, safe=""), id="URL"),
        pytest.param("https://x/?q=" + quote(SECRET, safe="").lower(), id="URL, small hexadecimal"),
        pytest.param("https://x/?q=" + quote_plus(SECRET), id="form"),
        pytest.param(SECRET.encode().hex(), id="hexadecimal"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="base64"),
        pytest.param(base64.b64encode(f"bob:{SECRET}".encode()).decode(), id="base64 after 4"),
        pytest.param(base64.b64encode(f"al:{SECRET}:x".encode()).decode(), id="base64 after 3"),
        pytest.param(base64.b64encode(f"x:{SECRET}\n".encode()).decode(), id="base64 after 2"),
        pytest.param(base64.urlsafe_b64encode(SECRET.encode()).decode(), id="base64 for URLs"),
    ],
)
def test_a_known_secret_is_masked_in_every_form(leak: str) -> None:
    shown = Redactor([SECRET]).text(f"before {leak} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert MASK in shown
    for form in (SECRET, quote(SECRET), base64.b64encode(SECRET.encode()).decode().rstrip("="), SECRET.encode().hex()):
        assert form.lower() not in shown.lower()
    assert "W0rd" not in shown


def test_a_secret_with_spaces_is_masked_in_forms() -> None:
    assert Redactor(["two words&more"]).text("q=two+words%26more&x") == f"q={MASK}&x"


def test_the_longest_secret_goes_first() -> None:
    assert Redactor(["hunter", "hunter-and-more"]).text("is hunter-and-more, hunter") == f"is {MASK}, {MASK}"


def test_lines_of_a_secret_are_masked_one_by_one() -> None:
    redactor = Redactor(["first line here\n}\n  second line here\n"])
    assert redactor.text("saw second line here and } or first line here") == f"saw {MASK} and }} or {MASK}"


def test_a_trailing_line_break_of_a_secret_does_not_protect_it() -> None:
    assert Redactor(["hunter2x\n"]).text("-phunter2x") == f"-p{MASK}"


def test_short_secrets_and_small_numbers_do_not_spoil_the_text() -> None:
    text = "abc true 8080: nothing ****"
    assert Redactor(["abc", "true", "8080", "", " ", "****"]).text(text) == text


def test_values_are_masked_in_keys_lists_and_numbers() -> None:
    value = {
        "a hunter2x": ["hunter2x", 84930217, 3, None, True, 1.5],
        "password": "anything",
        "db": {"token": ["abc", "none"], "secret": 12, "password_file": "/etc/x"},
    }
    assert Redactor(["hunter2x", "84930217"]).value(value) == {
        f"a {MASK}": [MASK, MASK, 3, None, True, 1.5],
        "password": MASK,
        "db": {"token": [MASK, "none"], "secret": 12, "password_file": "/etc/x"},
    }


def test_the_redactor_does_not_tell_its_secrets() -> None:
    assert repr(Redactor(["hunter2x"])) == "Redactor(1 secrets)"


def test_many_secrets_in_a_long_text_take_milliseconds() -> None:
    redactor = Redactor([f"s3cret/number {number} with + signs" for number in range(200)])
    text = "an ordinary line of an ordinary error: 4711\n" * 370
    redactor.text("")
    start = time.perf_counter()
    redactor.text(text)
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "a" * 50_000,
        "password" * 5_000,
        "A1b2/+" * 8_000,
        "://" * 10_000,
        "-----" * 5_000,
        "--password" * 4_000,
        '"' * 20_000,
        "token: " * 5_000,
        "curl -u " * 4_000,
        "a://b" * 8_000,
        "eyJ" * 10_000,
        "password=\\" * 3_000,
        'secret="\\' * 3_000,
        "-----BEGIN PRIVATE KEY-----" * 1_500,
        "abcdefghijklmnop\n" * 2_000,
    ],
    ids=lambda text: text[:12].strip(),
)
def test_no_text_takes_long(text: str) -> None:
    start = time.perf_counter()
    Redactor([]).text(text)
    assert time.perf_counter() - start < 1.5


# What looks like a secret

SHAPES = [
    ("postgres://bob:Zx9kQ2@db1:5432/app", f"postgres://{MASK}@db1:5432/app"),
    ("https://x:Zx9@kQ2@db1/app", f"https://{MASK}@db1/app"),
    ("fetch https://Zx9kQ2@github.com/a/b.git", f"fetch https://{MASK}@github.com/a/b.git"),
    ("Authorization: Basic Zx9kQ2==", f"Authorization: Basic {MASK}"),
    ("{'Authorization': 'Bearer Zx9kQ2'}", f"{{'Authorization': 'Bearer {MASK}'}}"),
    ('curl -H "Authorization: token Zx9kQ2" https://x', f'curl -H "Authorization: token {MASK}" https://x'),
    ("Proxy-Authorization: Digest username=bob, response=Zx9kQ2", f"Proxy-Authorization: Digest {MASK}"),
    ("authorization=Zx9kQ2Zx9kQ2", f"authorization={MASK}"),
    ("sent Bearer Zx9kQ2ab.cd and got 401", f"sent Bearer {MASK} and got 401"),
    ("Set-Cookie: session=Zx9kQ2; path=/", f"Set-Cookie: {MASK}"),
    ("X-Api-Key: Zx9kQ2", f"X-Api-Key: {MASK}"),
    ("X-Vault-Token: Zx9kQ2", f"X-Vault-Token: {MASK}"),
    (f"key:\n{PEM}\nend", f"key:\n-----BEGIN RSA PRIVATE KEY-----{MASK}-----END RSA PRIVATE KEY-----\nend"),
    (json.dumps(PEM), f'"-----BEGIN RSA PRIVATE KEY-----{MASK}-----END RSA PRIVATE KEY-----"'),
    (PEM[:60], f"-----BEGIN RSA PRIVATE KEY-----{MASK}"),
    (PEM[34:], f"{MASK}-----END RSA PRIVATE KEY-----"),
    (f"x: {BLOB}\nend", f"x: $ANSIBLE_VAULT;{MASK}\nend"),
    (json.dumps(BLOB), f'"$ANSIBLE_VAULT;{MASK}"'),
    ("login failed: password=Zx9kQ2 host=db1", f"login failed: password={MASK} host=db1"),
    ("password=Zx9,kQ2,user=bob", f"password={MASK},user=bob"),
    ("Server=db1;Pwd=Zx9kQ2;Database=x", f"Server=db1;Pwd={MASK};Database=x"),
    ("PGPASSWORD='Zx9 kQ2' psql", f"PGPASSWORD='{MASK}' psql"),
    ("AWS_SECRET_ACCESS_KEY=Zx9kQ2/+x", f"AWS_SECRET_ACCESS_KEY={MASK}"),
    ("ansible_become_pass: Zx9kQ2", f"ansible_become_pass: {MASK}"),
    ("  password: hunter", f"  password: {MASK}"),
    ("- token: hunter\n  x: 1", f"- token: {MASK}\n  x: 1"),
    ('{"client_secret": "a \\"quoted\\" one", "x": 1}', f'{{"client_secret": "{MASK}", "x": 1}}'),
    ("{'apiToken': 'hunter'}", f"{{'apiToken': '{MASK}'}}"),
    ('\\"password\\": \\"hunter\\"', f'\\"password\\": \\"{MASK}\\"'),
    ("spring.datasource.password: Zx9kQ2", f"spring.datasource.password: {MASK}"),
    ("https://x/?access_token=Zx9kQ2&page=2", f"https://x/?access_token={MASK}&page=2"),
    ("mysql --password=Zx9kQ2 -h db1", f"mysql --password={MASK} -h db1"),
    ("tool --api-key Zx9kQ2 --verbose", f"tool --api-key {MASK} --verbose"),
    ("['tool', '--token', 'Zx9kQ2', '-v']", f"['tool', '--token', '{MASK}', '-v']"),
    ("sshpass -p 'Zx9kQ2' ssh web1", f"sshpass -p {MASK} ssh web1"),
    ("sshpass -pZx9kQ2 ssh web1", f"sshpass -p{MASK} ssh web1"),
    ("curl -s -u bob:Zx9kQ2 https://x", f"curl -s -u bob:{MASK} https://x"),
    ("AccessDenied for AKIAZX9KQ2ZX9KQ2ZX9K now", f"AccessDenied for {MASK} now"),
    ("remote: ghp_Zx9kQ2Zx9kQ2Zx9kQ2Zx9kQ2", f"remote: {MASK}"),
    ("jwt eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.Zx9kQ2 bad", f"jwt {MASK} bad"),
    ("https://hooks.slack.com/services/T0/B0/Zx9kQ2", f"https://hooks.slack.com/services/{MASK}"),
]


@pytest.mark.parametrize(("leak", "shown"), SHAPES, ids=[leak[:40] for leak, _shown in SHAPES])
def test_shapes_of_secrets_are_masked(leak: str, shown: str) -> None:
    redacted = Redactor([]).text(leak)
    assert redacted == shown
    assert Redactor([]).text(redacted) == shown


ORDINARY = [
    'fatal: [web1]: FAILED! => {"changed": false, "msg": "Incorrect sudo password"}',
    "Failed to connect to the host via ssh: bob@web1: Permission denied (publickey,password).",
    'FATAL: password authentication failed for user "postgres"',
    "Missing sudo password",
    "Timeout (12s) waiting for privilege escalation prompt: ",
    "[sudo] password for bob: ",
    "Enter password: ",
    "missing required arguments: password, token",
    "one of the following is required: api_key, token",
    "Unsupported parameters for (mysql_user) module: pasword. Supported ones: name, password (passwd), priv",
    "'db_password' is undefined. 'db_password' is undefined",
    "The task includes an option with an undefined variable. The error was: 'vault_token' is undefined",
    "SyntaxError: Unexpected token: '}' in JSON at position 5",
    "Unexpected token } in JSON at position 5",
    "did not find expected token: <block end>",
    "Invalid token: bad-base64",
    "token: expired",
    "password: Permission denied",
    "credentials: not found",
    'Error from server (NotFound): secrets "db-creds" not found',
    "couldn't find key password in Secret default/db-creds",
    "Could not find secret: kube-system/db-creds",
    "is not authorized to perform: secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:1:secret:db",
    "Bearer authentication required",
    'WWW-Authenticate: Bearer realm="x"',
    "Authorization: failed",
    "curl: (22) The requested URL returned error: 401",
    "Could not open private_key_file: /home/bob/.ssh/id_rsa: No such file",
    "ssl_private_key=/etc/ssl/private/web1.pem not readable",
    "password_file=/etc/app.pw",
    "max_tokens=4096 tokens: 5120 token_count: 99",
    "password: null, token: true, secret: ''",
    "password=$DB_PASSWORD token={{ vault_token }} secret=<secret>",
    "when: db_password == 'x' or token != other",
    "--password is required; use --token-file x or --password-stdin",
    "use the --token option",
    "git clone ssh://git@github.com/org/repo.git failed",
    "scp: bob@web1:/etc/passwd: not found",
    "https://docs.example.com/@scope/page",
    "No package matching 'libpam-passwdqc' found available, passwd: unchanged",
    "bypass: on; compass=north; passenger: enabled; tests passed=3 failed=1",
    "tokenizer: standard, secretary: Bob",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 does not match",
    "commit 21e4afca143022b19a09e29aed7539d1365ad51d on main",
    "550e8400-e29b-41d4-a716-446655440000",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0B\n-----END CERTIFICATE-----",
    "Traceback:\n  File \"/tmp/x.py\", line 5, in <module>\n    main(token=self.token)\nKeyError: 'x'",
    "dpkg: error processing package nginx (--configure)",
    'Job for nginx.service failed because the control process exited with error code. See "journalctl -xe".',
]


@pytest.mark.parametrize("text", ORDINARY, ids=[text[:40] for text in ORDINARY])
def test_ordinary_error_texts_stay_readable(text: str) -> None:
    assert Redactor(["hunter2x", SECRET]).text(text) == text


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True),
        ("dbPassword", True),
        ("Authorization", True),
        ("x-api-key", True),
        ("password_file", False),
        ("tokenizer", False),
        ("message", False),
    ],
)
def test_keys_of_structured_data(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
