# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that everything here shares: the integration key, the connection, the retries.

One rule names them all: option X is C(X) in a task, C(pagerduty_X) as a variable, C(PAGERDUTY_X) in the environment and
C(X) in the section C([pagerduty]) of ansible.cfg. The first of these that says something counts; what is empty says
nothing.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from dataclasses import dataclass
from typing import Any, Callable, Container, Iterable, Mapping

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection, split_url
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import LONGEST_SECONDS, RetryPolicy
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask_url

SETTINGS_SPEC: dict[str, dict[str, Any]] = {
    "routing_key": {"type": "str", "no_log": True, "aliases": ["integration_key", "service_key"]},
    "routing_key_file": {"type": "path", "no_log": False},
    "region": {"type": "str", "choices": ["us", "eu"], "default": "us"},
    "api_url": {"type": "str"},
    "allow_http": {"type": "bool", "default": False},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "proxy": {"type": "str", "no_log": True},
    "max_retries": {"type": "int", "default": 5},
    "retry_base_interval": {"type": "float", "default": 1.0},
    "retry_max_interval": {"type": "float", "default": 60.0},
    "jitter": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 10.0},
    "deadline": {"type": "float", "default": 120.0},
}
"""Argument specification of the shared settings. Explained in doc_fragments/connection.py and retries.py."""

QUEUE_SPEC: dict[str, dict[str, Any]] = {
    "queue": {"type": "str", "choices": ["false", "on_failure", "always"], "default": "false"},
}
"""Argument specification of what tasks do with events that are not delivered. Explained in doc_fragments/queue.py."""

SHARED_OPTIONS = frozenset(
    {
        *SETTINGS_SPEC,
        *QUEUE_SPEC,
        "api_version",
        "outbox_path",
        "outbox_max_events",
        "outbox_max_age",
        "prune_superseded",
        "max_events_per_minute",
        "courier_linger",
    }
)
"""Options that other places than the task can give."""

SETTINGS_RULES: dict[str, Any] = {
    "mutually_exclusive": [("routing_key", "routing_key_file")],
    "required_by": {"client_key": ["client_cert"]},
}

_HOSTS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}

KEY_OPTIONS = ("routing_key", "routing_key_file")
"""Both give the integration key. The first counts where one place has both."""

_KEY = re.compile(r"[0-9A-Za-z]{32}")
_WHITE_SPACE = re.compile(r"\s")
_KEY_EXPECTED = "expected a PagerDuty integration key: 32 letters and digits"


@dataclass(frozen=True)
class Source:
    """A place, beside the task itself, that may say a setting.

    Attributes:
        where: says the place in a message, after the name of the setting there.
        name: turns an option's name into the name that the setting has there.
        get: returns the value under that name, None if there is none.
    """

    where: str
    name: Callable[[str], str]
    get: Callable[[str], Any]


def environment(values: Mapping[str, str]) -> Source:
    """Return the source that process environments are."""
    return Source("in the environment", lambda option: f"PAGERDUTY_{option.upper()}", values.get)


def is_blank(value: Any, type_: str = "str") -> bool:
    """Tell whether a value says nothing: it is null, empty or blank, a pair of quotes, or a list of nothing else."""
    if value is None:
        return True
    if isinstance(value, str):
        parts = value.strip("[] \t\r\n").split(",") if type_ == "list" else [value]
        return not any(part.strip().strip("'\"").strip() for part in parts)
    return type_ == "list" and isinstance(value, (list, tuple)) and all(is_blank(item) for item in value)


def _is_left_out(name: str, value: Any, spec: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a task's own argument counts as not given.

    Text of an event may be blank, and a list of numbers empty: no numbers are not the same as no list.
    """
    if value is None:
        return True
    option = next((option for option in spec if name in _names(option, spec)), "")
    about = spec.get(option, {})
    is_structure = about.get("type") in ("dict", "raw") or about.get("elements") == "dict"
    has_meaning = not (option in SHARED_OPTIONS or "default" in about or is_structure)
    return not has_meaning and is_blank(value, about.get("type", "str"))


def fill_in(
    given: Mapping[str, Any],
    spec: Mapping[str, Mapping[str, Any]],
    sources: Iterable[Source],
    warn: Callable[[str], None] = lambda _text: None,
    note: Callable[[str], None] = lambda _text: None,
    elsewhere: Container[str] = SHARED_OPTIONS,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Complete options from the other places, the first that says something first.

    The key and the file that holds it are one choice: whichever place names either of them decides for both. One that
    names both is warned about, and the key counts: among variables the two can come from different files.

    Args:
        given: options as the task has them, maybe under an alias.
        spec: their argument specification.
        sources: the other places, in order.
        warn: told of such a place.
        note: told of each place that names an option but says nothing.
        elsewhere: the options that other places can give.

    Returns:
        The options, and for each one that came from another place a phrase that says from where.
    """
    options = {name: value for name, value in given.items() if not _is_left_out(name, value, spec)}
    origins: dict[str, str] = {}
    has_key = any(_names(name, spec) & options.keys() for name in KEY_OPTIONS)
    open_options = [
        name
        for name in spec
        if name in elsewhere and not _names(name, spec) & options.keys() and not (has_key and name in KEY_OPTIONS)
    ]
    for source in sources:
        for name in tuple(open_options):
            value = source.get(source.name(name))
            if value is None:
                continue
            if is_blank(value, spec[name].get("type", "str")):
                note(f"{source.name(name)} {source.where} is empty, which counts as not given")
                continue
            options[name] = value.strip() if isinstance(value, str) else value
            origins[name] = f"{source.name(name)} {source.where}"
            open_options.remove(name)
        if all(name in origins for name in KEY_OPTIONS):
            del options["routing_key_file"], origins["routing_key_file"]
            warn(both_keys(map(source.name, KEY_OPTIONS), source.where))
        if any(name in options for name in KEY_OPTIONS):
            open_options = [name for name in open_options if name not in KEY_OPTIONS]
    return options, origins


def both_keys(names: Iterable[str], where: str) -> str:
    """Return a warning that one place names both the key and its file, under these names."""
    return f"{' and '.join(names)} {where} both give an integration key; the first counts, the file is not read"


def _names(option: str, spec: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {option, *spec[option].get("aliases", ())} if option in spec else set()


def check_key(option: str, key: str, where: str = "") -> str:
    """Return an integration key without the white space around it.

    Args:
        option: the option that gave it.
        key: the key.
        where: where it stands, for the message, if not in the option itself.

    Raises:
        OptionError: if PagerDuty could not have issued it. The message does not show it.
    """
    key = key.strip()
    if _KEY.fullmatch(key):
        return key
    subject = where or "the value given"
    if not key:
        raise OptionError(option, f"{subject} is empty; {_KEY_EXPECTED}")
    if len(key) != 32:
        raise OptionError(option, f"{subject} has {len(key)} characters; {_KEY_EXPECTED}")
    raise OptionError(option, f"{subject} has characters that no key has; {_KEY_EXPECTED}")


def refuse_key_as_path(path: str) -> None:
    """Refuse a key that stands where its file's name should, before any message shows it.

    Raises:
        OptionError: if no such file is there, and its name could be a key.
    """
    if _KEY.fullmatch(os.path.basename(path)) and not os.path.exists(path):
        raise OptionError("routing_key_file", "what was given looks like a key, not a file; give it as routing_key")


def read_key_file(path: str, content_path: str | None = None) -> tuple[str, str | None]:
    """Read an integration key from a file.

    Args:
        path: the file, as messages name it.
        content_path: where its content can be read if that is elsewhere, as for a decrypted copy.

    Returns:
        The key, and a warning if everybody on the machine can read it.

    Raises:
        OptionError: if there is no such file, or it holds anything but a key.
    """
    content = key_file_content(path, content_path)
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError as error:
        raise _unreadable(path, error) from None
    key = check_key_content(path, content)
    if mode & stat.S_IROTH:
        warning = f"everybody can read {path!r} (mode {mode:04o}); `chmod 600` keeps the key to yourself"
        return key, f"routing_key_file: {warning}"
    return key, None


def key_file_content(path: str, content_path: str | None = None) -> bytes:
    """Return what a key file holds, as `read_key_file` reads it.

    Raises:
        OptionError: if it cannot be read.
    """
    refuse_key_as_path(path)
    try:
        with open(content_path or path, "rb") as file:
            # A key file has 33 bytes; whatever is much longer was named by mistake.
            return file.read(4096)
    except OSError as error:
        raise _unreadable(path, error) from None


def check_key_content(path: str, content: bytes) -> str:
    """Return the integration key that is the content of a key file.

    Raises:
        OptionError: if it is anything but a key. The message does not show it.
    """
    if is_vaulted(content):
        problem = f"{path!r} is encrypted with ansible-vault, and no vault password that was given opens it"
        raise OptionError("routing_key_file", f"{problem}; see --vault-password-file")
    return check_key("routing_key_file", content.decode("utf-8-sig", "replace"), f"the content of {path!r}")


def is_vaulted(content: bytes) -> bool:
    """Tell whether ansible-vault has encrypted a file with this content."""
    return content.startswith(b"$ANSIBLE_VAULT;")


def _unreadable(path: str, error: OSError) -> OptionError:
    return OptionError("routing_key_file", f"{path!r} cannot be read: {error.strerror}")


@dataclass(frozen=True)
class Settings:
    """How to send: where to, over what, how patiently. Holds no integration key.

    Attributes:
        connection: where PagerDuty is.
        policy: when to try again.
        timeout: seconds that one attempt may take.
    """

    connection: Connection
    policy: RetryPolicy
    timeout: float


def settings(options: Mapping[str, Any]) -> Settings:
    """Make settings from options that have the specification's types.

    Raises:
        OptionError: if a value cannot be used.
    """
    if not 0 < options["timeout"] <= LONGEST_SECONDS:
        raise OptionError("timeout", f"{options['timeout']} was given; expected seconds, up to {LONGEST_SECONDS:g}")
    connection = Connection(
        base_url=_base_url(options),
        validate_certs=options["validate_certs"],
        ca_path=options.get("ca_path"),
        client_cert=options.get("client_cert"),
        client_key=options.get("client_key"),
        proxy=_proxy(options.get("proxy")),
    )
    policy = RetryPolicy(
        max_retries=options["max_retries"],
        base_interval=options["retry_base_interval"],
        max_interval=options["retry_max_interval"],
        jitter=options["jitter"],
        deadline=options["deadline"],
    )
    return Settings(connection, policy, options["timeout"])


def routing_key(options: Mapping[str, Any]) -> str:
    """Return the integration key of options whose key file has been read already.

    Raises:
        OptionError: if there is none, or none that PagerDuty could have issued.
    """
    key = options.get("routing_key")
    if key is None:
        raise OptionError(
            "routing_key",
            "no integration key was given. Give routing_key or routing_key_file in the task, pagerduty_routing_key as"
            " a variable, PAGERDUTY_ROUTING_KEY in the environment or routing_key_file under [pagerduty] in"
            " ansible.cfg",
        )
    return check_key("routing_key", key)


def _base_url(options: Mapping[str, Any]) -> str:
    given = options.get("api_url")
    if not given:
        return _HOSTS[options["region"]]
    shown = mask_url(given)
    expected = "expected the address of an Events API, as in https://events.pagerduty.com"
    parts = split_url(given.strip())
    if parts is None or parts.scheme not in ("http", "https") or _WHITE_SPACE.search(given.strip()):
        raise OptionError("api_url", f"{shown!r} was given; {expected}")
    if parts.username is not None or parts.query or parts.fragment:
        raise OptionError("api_url", f"{shown!r} has a user, a query or a fragment; {expected}")
    if parts.scheme == "http" and not options["allow_http"] and not _is_loopback(parts.hostname or ""):
        raise OptionError(
            "api_url",
            f"{shown!r} would send the integration key unencrypted; use https, or set allow_http: true",
        )
    path = parts.path.rstrip("/")
    # The full address of one API is what others ask for; the path is ours to add.
    for api in Api:
        if path.endswith(api.value):
            path = path[: -len(api.value)]
            break
    return f"{parts.scheme}://{parts.netloc}{path}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxy(given: str | None) -> str | None:
    if not given:
        return None
    shown = mask_url(given)
    parts = split_url(given)
    if parts is None or parts.scheme not in ("http", "https", "socks5", "socks5h"):
        raise OptionError("proxy", f"{shown!r} was given; expected a URL as in http://proxy.example.com:3128")
    return given
