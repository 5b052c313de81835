# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what decorates an event, however it is written: what can be understood is converted, the rest is told. Pure.

No page is refused for a decoration. Each function is given `complain`, which is told in a sentence, beginning with the
option's name, of what cannot be sent as it was given, and what becomes of it.
"""

from __future__ import annotations

import ast
import datetime
import json
import re
from collections.abc import Mapping, Set
from typing import Any, Callable
from urllib.parse import urlsplit

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import optional_text, plain, plain_text
from ansible_collections.oncall.pagerduty.plugins.module_utils._shrink import cut
from ansible_collections.oncall.pagerduty.plugins.module_utils._timestamp import to_utc

Complain = Callable[[str], None]

SEVERITIES = ("critical", "error", "warning", "info")
DEFAULT_SEVERITY = "error"

# The words of syslog and of Python's logging that are not PagerDuty's own.
_SEVERITY_WORDS = {
    **{name: name for name in SEVERITIES},
    **dict.fromkeys(("emergency", "emerg", "alert", "crit", "fatal"), "critical"),
    "err": "error",
    "warn": "warning",
    **dict.fromkeys(("notice", "informational", "information", "debug"), "info"),
}

# Ours: enough to know one's own value again.
_SHOWN_CHARACTERS = 80
_BETWEEN_URLS = re.compile(r"\s*,\s*(?=https?://)", re.IGNORECASE)


def known_severity(given: Any) -> str | None:
    """Return PagerDuty's word for a severity, None if it is not known which one is meant."""
    return _SEVERITY_WORDS.get(plain_text(given).strip().lower())


def severity_of(given: Any, complain: Complain) -> str:
    """Return one of SEVERITIES; the default one where nothing is said, or nothing that is known."""
    if optional_text(given) is None:
        return DEFAULT_SEVERITY
    severity = known_severity(given)
    if severity is None:
        choices = ", ".join(SEVERITIES)
        complain(f"severity: {_shown(given)} is none of {choices}; {DEFAULT_SEVERITY!r} is sent in its place")
    return severity or DEFAULT_SEVERITY


def timestamp_of(given: Any, complain: Complain) -> str | None:
    """Return a point in time as PagerDuty's text; None where none is given, or none that is certain."""
    if optional_text(given) is None:
        return None
    try:
        return to_utc("timestamp", given)
    except OptionError as error:
        complain(f"{error}; it is left out, and the event has the time at which it was made")
        return None


def details_of(given: Any, complain: Complain, note: Complain) -> dict[str, Any]:
    """Return details as a mapping of plain JSON types. What is no mapping becomes the entry C(details) of one.

    Args:
        given: the details.
        complain: told of what is no mapping.
        note: told of text that was read as pairs of names and values.
    """
    if isinstance(given, (str, bytes)):
        return _details_of_text(plain_text(given), complain, note)
    details = plain(given)
    if details in (None, [], {}):
        return {}
    if isinstance(details, dict):
        return details
    complain(f"custom_details: {_kind(given)} was given in place of a mapping; it is sent as the entry 'details'")
    return {"details": details}


def _details_of_text(text: str, complain: Complain, note: Complain) -> dict[str, Any]:
    if not text.strip():
        return {}
    # Loaded here, since the courier needs events but no options.
    from ansible.module_utils.common.validation import check_type_dict

    try:
        details = plain(check_type_dict(text.strip()))
    except (TypeError, ValueError, RecursionError, MemoryError):
        details = None
    if not isinstance(details, dict):
        complain("custom_details: a text was given in place of a mapping; it is sent as the entry 'details'")
        return {"details": text}
    if not text.strip().startswith("{"):
        names = cut(", ".join(details), _SHOWN_CHARACTERS)
        note(f"custom_details: a text was given and read as name=value, so the values of {names} are texts")
    return details


def client_url_of(given: Any, complain: Complain) -> str | None:
    """Return the address of a client; None where none is given, or what is none."""
    url = optional_text(given)
    if url is not None and _is_prose(url):
        complain(f"client_url: {_shown(url)} is not an address and is left out; expected a URL")
        return None
    return url


def links_of(given: Any, complain: Complain) -> list[dict[str, str]]:
    """Return links as mappings with C(href), and C(text) or not."""
    return [link for link in _entries("links", given, "href", ("text",), complain) if link]


def images_of(given: Any, complain: Complain) -> list[dict[str, str]]:
    """Return images as mappings with C(src), which PagerDuty shows if it is https, and C(href) and C(alt) or not."""
    images = []
    for image in _entries("images", given, "src", ("href", "alt"), complain):
        if image and not _is_https(image["src"]):
            source = _shown(image["src"])
            complain(f"images: src {source} is not an https URL, and PagerDuty shows no other; it is left out")
        elif image:
            images.append(image)
    return images


def as_entries(given: Any) -> list[Any]:
    """Return what is meant to be a list of mappings: one alone, or addresses in a text, are entries too."""
    if isinstance(given, (str, bytes)):
        text = plain_text(given).strip()
        parsed = _parsed(text) if text[:1] in ("[", "{") else None
        if parsed is not None:
            return as_entries(parsed)
        return list(filter(None, _BETWEEN_URLS.split(text)))
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple, Set)) else [given]


def _parsed(text: str) -> Any:
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if isinstance(value, (list, tuple, dict)) else None
    return None


def _entries(
    option: str, given: Any, required: str, optional: tuple[str, ...], complain: Complain
) -> list[dict[str, str]]:
    entries = as_entries(given)
    names = [f"entry {number} of {len(entries)}" for number in range(1, len(entries) + 1)]
    return [_entry(f"{option}: {name}", entry, required, optional, complain) for name, entry in zip(names, entries)]


def _entry(where: str, given: Any, required: str, optional: tuple[str, ...], complain: Complain) -> dict[str, str]:
    """Keep what is said of the known fields; empty if the one that is required says nothing."""
    if isinstance(given, (str, bytes)):
        given = {required: given}
    if not isinstance(given, Mapping):
        complain(f"{where} is {_kind(given)} and is left out; expected a mapping with {required}")
        return {}
    fields = {plain_text(name): value for name, value in given.items()}
    # What many call an address.
    fields.setdefault(required, fields.pop("url", None))
    said: dict[str, str] = {}
    for name in (required, *optional):
        value = fields.pop(name, None)
        text = None if isinstance(value, (Mapping, list, tuple, Set)) else optional_text(value)
        if text is not None:
            said[name] = text
        elif value is not None and not isinstance(value, (str, bytes)) and name != required:
            complain(f"{where}: its {name} is {_kind(value)} and is left out; expected a text")
    if required in said and _is_prose(said[required]):
        complain(f"{where}: {_shown(said[required])} is not an address and is left out; expected a URL")
        return {}
    if required not in said:
        text = f" (with the text {_shown(said['text'])})" if "text" in said else ""
        complain(f"{where} has a blank {required}{text} and is left out; expected a URL")
        return {}
    unknown = sorted(name for name, value in fields.items() if value is not None)
    if unknown:
        known = ", ".join((required, *optional))
        complain(f"{where}: {cut(', '.join(unknown), _SHOWN_CHARACTERS)} is left out; expected {known}")
    said[required] = said[required].strip()
    return said


def _is_prose(text: str) -> bool:
    """Tell whether a text is certainly no address. Others are left to PagerDuty, which has rules of its own."""
    return "://" not in text and len(text.split()) > 1


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() == "https" and bool(parts.hostname)
    except ValueError:  # as for an unclosed IPv6 bracket
        return False


def _shown(value: Any) -> str:
    return repr(cut(plain_text(value), _SHOWN_CHARACTERS))


def _kind(value: Any) -> str:
    """Name a value's kind as people who write YAML do."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple, Set)):
        return "a list"
    if isinstance(value, (datetime.date, datetime.time)):
        return "a date"
    return "a text" if isinstance(value, (str, bytes)) else "a value of another kind"
