# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks what looks like a secret by its shape alone, and leaves ordinary error texts as they are. Pure.

Known shapes: credentials in URLs, HTTP headers, private keys, vault blobs, tokens with a well-known beginning, and
assignments to a name such as C(password). Where prose and a secret look alike, prose is left.
"""

from __future__ import annotations

import re
from re import Match

from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import MASK

_NEWLINE = r"(?:\r?\n|\\r|\\n)"

_PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----).*?(-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_PRIVATE_KEY_END = re.compile(rf"(?:[A-Za-z0-9+/=]{{16,}}[ \t]*{_NEWLINE}[ \t]*)+(?=-----END [A-Z0-9 ]*PRIVATE KEY)")
_VAULT = re.compile(rf"\$ANSIBLE_VAULT;[\w.;*-]*(?:(?:\s|{_NEWLINE})+[0-9a-f]{{16,}})*")

# Up to the last "@" of the authority, since passwords hold unquoted ones in practice.
_URL_USER = re.compile(r"\b([a-z][a-z0-9+.-]{1,30})://([^/\s\"'<>?#]*)@", re.IGNORECASE)
_URLS_WITH_HARMLESS_USERS = ("ssh", "git+ssh", "sftp", "scp", "rsync", "winrm")

_HEADER = re.compile(
    r"""(?P<name>\b(?:proxy-)?authorization\\?["']?[ \t]*[:=][ \t]*\\?["']?)
        (?: (?P<scheme>(?:basic|bearer|token|apikey|negotiate|ntlm|splunk|geniekey)[ \t]+) [^\s"',;\\]+
          | (?P<long>(?:digest|aws4-hmac-sha256|oauth|hawk|signature)[ \t]+) [^\r\n]+
          | (?=[^\s"',;\\]*\d) [^\s"',;\\]{12,} )""",
    re.IGNORECASE | re.VERBOSE,
)
_COOKIE = re.compile(r"""(\b(?:set-)?cookie\\?["']?[ \t]*:[ \t]*\\?["']?)(?=[^\s=]+=)[^\r\n"']+""", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer[ \t]+)(?=[^\s]*\d|[^\s]{20})[\w.~+/=-]{8,}", re.IGNORECASE)

_TOKENS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
        (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}                       # AWS
      | gh[pousr]_\w{20,} | github_pat_\w{20,} | glpat-[\w-]{16,} # GitHub, GitLab
      | xox[abeoprs]-[\w-]{10,}                                   # Slack
      | hv[sbr]\.[\w-]{20,}                                       # HashiCorp Vault
      | [rs]k_(?:live|test)_\w{16,}                               # Stripe
      | AIza[\w-]{30,}                                            # Google
      | npm_\w{30,} | pypi-[\w-]{30,} | dckr_pat_[\w-]{20,}
      | (?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*                        # JSON Web Token
    )(?![A-Za-z0-9])""",
    re.VERBOSE,
)
_SLACK_HOOK = re.compile(r"(https://hooks\.slack\.com/(?:services|workflows)/)[\w/-]+")
_COMMANDS = (
    re.compile(r"(\bsshpass[ \t]+-p[ \t]*)(?:'[^']*'|\"[^\"]*\"|\S+)"),
    re.compile(
        r"(\bcurl[ \t](?:[^\n|;]{0,200}?[ \t])?(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"']{1,100}:)[^\s\"']+"
    ),
)

_NAMING = r"""(?i:passw(?:or)?d|passphrase|passcode|(?<![a-z])pass(?![a-z])|(?<![a-z])pwd(?![a-z])
    |secret|token|credential
    |(?:api|access|private|auth|account|encryption|signing|shared|routing|integration|service|license)[_-]?key)
    (?P<suffix>(?:[_-]|[A-Z0-9]|s(?![a-z]))[\w-]{0,40})?(?![A-Za-z])"""
_NAME = re.compile(_NAMING, re.VERBOSE)

_ASSIGNMENT = re.compile(
    rf"""(?P<name>{_NAMING})(?P<name_quote>\\?["'])?
    (?P<separator>[ \t]*(?:=>|:=|=(?![=~])|:(?=[ \t\\"']))[ \t]*)
    (?P<open>\\?["'])?
    (?P<value>(?(open)(?:(?!(?P=open))(?:\\.|[^\n\r]))* | (?:(?!,\w+=)[^\s&;"'])+ ))""",
    re.VERBOSE,
)
_OPTION = re.compile(
    rf"""(?P<name>(?<![\w-])--[\w-]{{0,40}}?{_NAMING})(?P<separator>[ \t]+|["'],[ \t]*(?=["']))
    (?P<open>["'])?(?P<value>(?(open)(?:(?!(?P=open))[^\n\r])*|[^\s"']+))""",
    re.VERBOSE,
)

_HARMLESS_SUFFIX = re.compile(
    r"[_-]?(?:files?|paths?|dirs?|folder|names?|len|length|count|limit|size|policy|type|kind|urls?|uri|endpoint|ttl|"
    r"age|expir\w*|lifetime|timeout|prompt|stdin|version|field|header|required|enabled|format|algorithm|method|lock)$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\{\{|\{%|\$\{?[A-Z_]+\}?$|%\(?\w|<[^>]*>?$|\*+$|\.{3}|…|\[?(?:REDACTED|redacted|hidden)")
_NO_VALUE = frozenset(
    {"", "none", "null", "true", "false", "yes", "no", "undefined", "omit", "value_specified_in_no_log_parameter"}
)
_SMALL_NUMBER = re.compile(r"[-+]?\d{1,5}(?:\.\d*)?")
_JOINED_WORDS = re.compile(r"[A-Za-z]+(?:['\u2019./:@_-][A-Za-z]+)*")
_PARSER_SPEAKS = re.compile(
    r"(?:unexpected|expected|invalid|illegal|bad|unknown|unrecognized|unterminated|syntax|parse|next|near)[\w \t]*$",
    re.IGNORECASE,
)
_WORDS_BEFORE = 80
"""Characters before a name that tell what kind of sentence it stands in."""

_CODE = re.compile(r"(?:[a-z_]\w*\.)+\w*")
_KEY_ALONE = re.compile(r"[ \t]*(?:-[ \t]+)?[\w.-]*")
_PROSE = re.compile(
    r"""a|absent|access|an|and|any|argument|are|as|at|authentication|authorization|be|but|by|can|cannot|changed
    |check|could|denied|did|does|empty|error|exists|expected|expired|fail|failed|failure|false|flag|for|from
    |given|has|have|if|in|incorrect|invalid|is|it|malformed|may|mismatch|missing|must|need|needed|needs|no|none
    |nonexistent|not|null|of|on|option|or|parameter|permission|please|present|provided|refused|rejected|required
    |revoked|set|should|string|the|this|to|too|true|unable|unauthorized|unchanged|undefined|unexpected|unknown
    |unset|unsupported|use|value|was|were|when|will|with|without|wrong|you|your""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that follow a name in a sentence about it."""


def is_secret_name(name: str) -> bool:
    """Tell whether a key in structured data says that its value is a secret."""
    if name.lower() in ("authorization", "proxy-authorization", "cookie", "set-cookie"):
        return True
    match = _NAME.search(name)
    return match is not None and match.end() == len(name) and not _is_harmless(match)


def is_placeholder(value: str) -> bool:
    """Tell whether a text stands where a secret would, and is none: empty, null, a template, a mask, a small number."""
    bare = value.strip()
    return (
        bare.lower() in _NO_VALUE or _PLACEHOLDER.match(bare) is not None or _SMALL_NUMBER.fullmatch(bare) is not None
    )


def mask_shapes(text: str) -> str:
    """Return a text with everything masked that looks like a secret."""
    if "-----" in text:
        text = _PRIVATE_KEY.sub(rf"\1{MASK}\2", text)
        text = _PRIVATE_KEY_END.sub(MASK, text)
    if "$ANSIBLE_VAULT" in text:
        text = _VAULT.sub(f"$ANSIBLE_VAULT;{MASK}", text)
    if "://" in text:
        text = _URL_USER.sub(_url_user, text)
        text = _SLACK_HOOK.sub(rf"\1{MASK}", text)
    text = _HEADER.sub(_header, text)
    text = _COOKIE.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _TOKENS.sub(MASK, text)
    for command in _COMMANDS:
        text = command.sub(rf"\1{MASK}", text)
    text = _OPTION.sub(_option, text)
    return _ASSIGNMENT.sub(_assignment, text)


def _url_user(match: Match[str]) -> str:
    scheme, user = match.groups()
    if not user or (":" not in user and scheme.lower() in _URLS_WITH_HARMLESS_USERS):
        return match[0]
    return f"{scheme}://{MASK}@"


def _header(match: Match[str]) -> str:
    return f"{match['name']}{match['scheme'] or match['long'] or ''}{MASK}"


def _is_harmless(match: Match[str]) -> bool:
    return bool(match["suffix"] and _HARMLESS_SUFFIX.search(match["suffix"]))


def _option(match: Match[str]) -> str:
    """Decide about C(--password x) in a command line."""
    value = match["value"]
    if _is_harmless(match) or is_placeholder(value) or value.startswith("-"):
        return match[0]
    if not match["open"] and _PROSE.fullmatch(value.rstrip(".,:;!?)")):
        return match[0]
    return f"{match['name']}{match['separator']}{match['open'] or ''}{MASK}"


def _assignment(match: Match[str]) -> str:
    """Decide about C(password=x), C(password: x) and C("password": "x")."""
    shown = match["value"]
    closing = ""
    if not match["open"]:
        closing = shown[len(shown.rstrip(".,:!?)]}\\")) :]
        shown = shown[: len(shown) - len(closing)]
    if _is_harmless(match) or is_placeholder(shown) or _is_path_of_key(match["name"], shown):
        return match[0]
    if _CODE.fullmatch(shown) and _NAME.search(shown):
        return match[0]  # token=self.token
    if ":" in match["separator"] and not match["name_quote"] and _reads_as_prose(match, shown):
        return match[0]
    return f"{match['name']}{match['name_quote'] or ''}{match['separator']}{match['open'] or ''}{MASK}{closing}"


def _is_path_of_key(name: str, value: str) -> bool:
    return "key" in name.lower() and re.fullmatch(r"(?:~|\.{0,2})/[\w./-]+", value) is not None


def _reads_as_prose(match: Match[str], value: str) -> bool:
    """Tell whether C(token: value) is more likely a sentence about a token than a token."""
    # Not further back, so that a long line does not take long.
    earliest = max(0, match.start() - _WORDS_BEFORE)
    before = match.string[earliest : match.start()].rpartition("\n")[2]
    starts_line = len(before) < _WORDS_BEFORE
    if _PARSER_SPEAKS.search(before):
        return True
    if match["open"]:
        return len(value) < 4
    if _PROSE.fullmatch(value):
        return True
    if not _JOINED_WORDS.fullmatch(value):
        return len(value) < 4
    rest = match.string[match.end() : match.end() + 1]
    return not (starts_line and _KEY_ALONE.fullmatch(before) and rest in ("", "\n", "\r"))
