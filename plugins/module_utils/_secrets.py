# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hides keys and credentials in whatever is about to be shown."""

from __future__ import annotations

import base64
import re
from typing import Any, Iterable
from urllib.parse import unquote

MASK = "********"
"""Stands in the place of a secret. It has the same length for every secret, and shows none of its characters."""

# Up to the last @, since passwords that somebody forgot to quote hold slashes and more.
_URL_CREDENTIALS = re.compile(r"(?<=://)\S+(?=@)")

# What an integration key looks like, 32 letters and digits, and one that has lost or gained a few.
_KEY = re.compile(r"[0-9A-Za-z]{28,}")


def mask_url_credentials(text: str) -> str:
    """Replace C(user:password) in every URL that stands in a text."""
    return _URL_CREDENTIALS.sub(MASK, text)


def mask_keys(text: str) -> str:
    """Replace what could be an integration key in a text."""
    return _KEY.sub(MASK, text)


def mask_url(url: str) -> str:
    """Replace C(user:password) in what is meant to be one URL, however badly it is written."""
    credentials, at, rest = url.rpartition("@")
    if not at:
        return url
    scheme, separator, _rest = credentials.partition("://")
    return f"{scheme}{separator}{MASK}@{rest}" if separator else f"{MASK}@{rest}"


def url_secrets(url: str) -> list[str]:
    """Return what must not be shown of a URL's credentials: as written, decoded, and as they stand in a header."""
    credentials = url.rpartition("@")[0].rpartition("://")[2]
    if not credentials:
        return []
    _user, _colon, password = credentials.partition(":")
    header = base64.b64encode(unquote(credentials).encode()).decode()
    return [credentials, header, *({password, unquote(password)} - {""})]


def mask(value: Any, secrets: Iterable[str]) -> Any:
    """Return a copy of a plain JSON value in which no string, key or value, contains one of the secrets."""
    hidden = [secret for secret in secrets if secret]
    return _mask(value, hidden) if hidden else value


def _mask(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            if secret in value:
                value = value.replace(secret, MASK)
        return value
    if isinstance(value, dict):
        return {_mask(key, secrets): _mask(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mask(item, secrets) for item in value]
    return value
