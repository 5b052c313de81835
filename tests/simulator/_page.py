# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page at `/`: incidents and their log, change events, and what went wrong, in plain HTML without scripts.

Everything that came from outside is escaped, and no key is shown whole.
"""

from __future__ import annotations

import json
import time
from html import escape
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

from ._answers import HTML, Answer, method_not_allowed, text_answer
from ._faults import Fault
from ._http import Request
from ._mask import hide, mask
from ._received import Received
from ._state import Change, Incident, LogEntry

if TYPE_CHECKING:
    from ._simulator import Simulator

_REFRESH_SECONDS = 3
_INCIDENTS = 100  # newest shown; all are still there over REST
_LOG_ENTRIES = 20
_CHANGES = 50
_TROUBLES = 50
_TEXT = 4000  # characters of one value
_ONE_LINE = 80  # characters up to which a list or object stays on one line
_KEY_EXAMPLE = "0123456789abcdef0123456789abcdef"

# Nothing is loaded from anywhere, whatever an event holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_STYLE = """
:root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #1d2430; --soft: #667085; --line: #e0e3e9;
  --code: #f0f2f5; --red: #c4261d; --amber: #9a6200; --green: #1a7f4b; --blue: #1f62c7; --grey: #667085; }
@media (prefers-color-scheme: dark) { :root { --back: #12151b; --card: #1b2028; --text: #e6e9ef; --soft: #98a2b3;
  --line: #2d3440; --code: #242b35; --red: #ff8a80; --amber: #ffc158; --green: #6ad79b; --blue: #8ab8ff;
  --grey: #98a2b3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 64rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.75rem; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
h2 small, .soft, header p { color: var(--soft); font-weight: normal; font-size: .88rem; }
header p { margin: 0; }
a { color: var(--blue); }
.card, table, .empty { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.card { border-left: 5px solid var(--edge); padding: .9rem 1.1rem; margin-bottom: .8rem; }
.triggered { --edge: var(--red); } .acknowledged { --edge: var(--amber); } .resolved { --edge: var(--green); }
.card h3 { margin: 0 0 .2rem; font-size: 1.02rem; overflow-wrap: anywhere; display: flex; gap: .6rem; }
.card h3 .number { margin-left: auto; color: var(--soft); font-weight: normal; white-space: nowrap; }
.badge { display: inline-block; font-size: .74rem; font-weight: 600; letter-spacing: .03em; text-transform: uppercase;
  color: var(--edge, var(--grey)); border: 1px solid; border-radius: 99px; padding: .02rem .55rem; white-space: nowrap;
  align-self: start; margin-top: .16rem; }
.critical, .error { --edge: var(--red); } .warning { --edge: var(--amber); } .info { --edge: var(--blue); }
.facts { margin: .3rem 0; color: var(--soft); font-size: .88rem; overflow-wrap: anywhere; }
.facts b { color: var(--text); font-weight: 500; }
.facts span { margin-right: 1.1rem; }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .1rem 1rem; margin: .6rem 0;
  font-size: .88rem; background: var(--code); border-radius: 6px; padding: .5rem .8rem; }
dt { color: var(--soft); overflow-wrap: anywhere; }
dd { margin: 0; min-width: 0; }
dd, pre, code { font-family: ui-monospace, monospace; font-size: .84rem; white-space: pre-wrap; }
dd, pre, code { overflow-wrap: anywhere; }
dd { max-height: 16rem; overflow: auto; }
ol.log { list-style: none; margin: .6rem 0 0; padding: .5rem 0 0; font-size: .88rem; }
ol.log { border-top: 1px solid var(--line); }
ol.log li { display: grid; grid-template-columns: 5rem 7rem 1fr; gap: .6rem; overflow-wrap: anywhere; }
ol.log time, td time { color: var(--soft); font-variant-numeric: tabular-nums; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .88rem; overflow: hidden; }
th:first-child, td:first-child { width: 1%; white-space: nowrap; } td:only-child { width: auto; white-space: normal; }
td .badge { margin-left: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .8rem; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; background: var(--code); }
td + td, th + th { border-left: 0; } tr + tr td { border-top: 1px solid var(--line); }
.empty { padding: 1.4rem 1.6rem; } .empty pre { background: var(--code); padding: .8rem 1rem; border-radius: 6px; }
footer { height: 3rem; }
@media (max-width: 40rem) { .card h3 { flex-wrap: wrap; } .card h3 > :nth-last-child(2) { order: 1; flex-basis: 100%; }
  dl { grid-template-columns: 1fr; } dd { margin-bottom: .3rem; }
  ol.log li { grid-template-columns: 4.5rem 1fr; row-gap: 0; } ol.log li > :nth-child(3) { grid-column: 2; } }
"""


def respond(simulator: Simulator, request: Request) -> Answer:
    """The page, or why there is none."""
    if request.method not in ("GET", "HEAD"):
        return method_not_allowed("GET, HEAD")
    requests = simulator.requests
    page = render(
        url=simulator.url,
        incidents=simulator.incidents,
        changes=simulator.changes,
        requests=requests,
        faults=simulator.faults,
        paused="paused" in request.query,
    )
    page = hide(page, (received.key for received in requests))
    return text_answer(200, page, HTML).with_headers(
        ("Content-Security-Policy", _POLICY), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store")
    )


def render(
    url: str,
    incidents: Sequence[Incident],
    changes: Sequence[Change],
    requests: Sequence[Received],
    faults: Sequence[Fault] = (),
    paused: bool = False,
) -> str:
    """The page's HTML. It renews itself every few seconds unless it is paused."""
    unresolved = sum(incident.is_open for incident in incidents)
    troubles = [received for received in requests if _is_trouble(received)]
    refresh = "" if paused else f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}">'
    pause = '<a href="/">keep it fresh</a>' if paused else '<a href="/?paused">pause</a>'
    state = "Paused" if paused else f"Renewed every {_REFRESH_SECONDS} s"
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        refresh,
        f"<title>{f'({unresolved}) ' if unresolved else ''}PagerDuty simulator</title><style>{_STYLE}</style></head>",
        "<body><header><h1>PagerDuty simulator</h1>",
        f"<p>{_count(unresolved, 'open incident')} · {_count(len(requests), 'request')}</p>",
        f"<p>{state} · {pause}</p></header><main>",
        *_incidents(incidents, url, nothing_else=not requests),
        *_changes(changes),
        *_troubles(troubles),
        *_faults(faults),
        "</main><footer></footer></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _is_trouble(received: Received) -> bool:
    return received.status is None or received.status >= 300 or received.fault is not None


# --- incidents ---------------------------------------------------------------------------------------------------


def _incidents(incidents: Sequence[Incident], url: str, nothing_else: bool) -> Iterable[str]:
    if not incidents:
        yield _empty(url) if nothing_else else "<h2>Incidents</h2><p class=soft>None yet.</p>"
        return
    yield _heading("Incidents", len(incidents), _INCIDENTS)
    newest_first = list(incidents)[::-1]
    in_order = [each for each in newest_first if each.is_open] + [each for each in newest_first if not each.is_open]
    for incident in in_order[:_INCIDENTS]:
        yield _incident(incident)


def _incident(incident: Incident) -> str:
    severity = _badge(incident.severity, incident.severity) if incident.severity else ""
    facts = {
        "source": incident.source,
        "component": incident.component,
        "group": incident.group,
        "class": incident.class_,
        "dedup key": incident.dedup_key,
        "integration key": mask(incident.key),
    }
    return "\n".join(
        [
            f'<article class="card {incident.status}" id="incident-{incident.number}">',
            f"<h3>{_badge(incident.status, incident.status)}{severity}<span>{_text(incident.summary)}</span>",
            f'<span class="number">#{incident.number}</span></h3>',
            _facts(facts),
            _facts({"client": None if incident.client_url else incident.client}) + _links(incident),
            _details(incident.details),
            '<ol class="log">',
            *_log(incident.log),
            "</ol></article>",
        ]
    )


def _log(log: Sequence[LogEntry]) -> Iterable[str]:
    hidden = len(log) - _LOG_ENTRIES
    if hidden > 0:
        yield f'<li class="soft">… {_count(hidden, "earlier entry", "earlier entries")}</li>'
    for index, entry in list(enumerate(log))[-_LOG_ENTRIES:]:
        # What the first trigger says stands above already.
        what = _text(entry.summary or "") if index else '<span class="soft">opened the incident</span>'
        if index and entry.details:
            what += f"<details><summary class=soft>details</summary>{_details(entry.details)}</details>"
        yield f"<li>{_time(entry.time)}<span>{_text(entry.action)}</span><span>{what}</span></li>"


def _links(event: Incident | Change) -> str:
    pairs = [(link.get("href"), link.get("text")) for link in event.links]
    pairs += [(image.get("href") or image.get("src"), image.get("alt") or "image") for image in event.images]
    if isinstance(event, Incident) and event.client_url:
        pairs.insert(0, (event.client_url, event.client))
    shown = " ".join(f"<span>{_link(href, text)}</span>" for href, text in pairs)
    return f'<p class="facts">{shown}</p>' if shown else ""


def _details(details: Mapping[str, Any]) -> str:
    if not details:
        return ""
    rows = "".join(f"<dt>{_text(str(name))}</dt><dd>{_value(value)}</dd>" for name, value in details.items())
    return f"<dl>{rows}</dl>"


# --- the rest ----------------------------------------------------------------------------------------------------


def _changes(changes: Sequence[Change]) -> Iterable[str]:
    if not changes:
        return
    yield _heading("Change events", len(changes), _CHANGES)
    yield "<table><tr><th>Time<th>Summary<th>Source<th>Key</tr>"
    for change in list(changes)[: -_CHANGES - 1 : -1]:
        about = _text(change.summary) + _links(change) + _details(change.details)
        yield f"<tr><td>{_time(change.time)}<td>{about}<td>{_text(change.source or '')}<td>{mask(change.key)}</tr>"
    yield "</table>"


def _troubles(troubles: Sequence[Received]) -> Iterable[str]:
    if not troubles:
        return
    yield _heading("Refused, or answered badly", len(troubles), _TROUBLES)
    yield "<table><tr><th>Time<th>Answer<th>Request<th>Why</tr>"
    for received in list(troubles)[: -_TROUBLES - 1 : -1]:
        answer = str(received.status or "none") + (_badge("taken", "resolved") if received.taken else "")
        request = " ".join(part for part in (received.method, received.path, received.action) if part)
        about = [_text(request)]
        about += [_text(received.summary)] if received.summary else []
        about += [f"<span class=soft>dedup key</span> {_text(received.dedup_key)}"] if received.dedup_key else []
        about += [f"<span class=soft>integration key</span> {_text(mask(received.key))}"] if received.key else []
        yield (f"<tr><td>{_time(received.time)}<td>{answer}<td>{'<br>'.join(about)}<td>{_text(received.reason)}</tr>")
    yield "</table>"


def _faults(faults: Sequence[Fault]) -> Iterable[str]:
    if faults:
        yield "<h2>Faults to come</h2><table>"
        yield from (f"<tr><td><code>{_text(fault.describe())}</code></td></tr>" for fault in faults)
        yield "</table>"


def _empty(url: str) -> str:
    event = {
        "routing_key": _KEY_EXAMPLE,
        "event_action": "trigger",
        "payload": {"summary": "Disk full", "source": "db1", "severity": "critical"},
    }
    command = f"curl -H 'Content-Type: application/json' {url}/v2/enqueue -d '{json.dumps(event)}'"
    return (
        '<h2>Nothing has happened yet</h2><div class="empty"><p>This is a PagerDuty of your own: nobody is paged. '
        f"Let something send its events to <code>{_text(url)}</code> (in a playbook: "
        f"<code>api_url: {_text(url)}</code>), and they appear here. Or try it from a shell:</p>"
        f"<pre>{_text(command)}</pre>"
        '<p class="soft">Any integration key of 32 letters and digits will do, unless some were named at the start '
        "(<code>--key</code>).</p></div>"
    )


# --- pieces ------------------------------------------------------------------------------------------------------


def _text(text: str) -> str:
    return escape(text if len(text) <= _TEXT else f"{text[:_TEXT]}… ({len(text)} characters)")


def _value(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    one_line = json.dumps(value, ensure_ascii=False)
    return _text(one_line if len(one_line) <= _ONE_LINE else json.dumps(value, ensure_ascii=False, indent=1))


def _badge(text: str, class_: str) -> str:
    return f'<span class="badge {escape(class_)}">{escape(text)}</span>'


def _facts(facts: Mapping[str, str | None]) -> str:
    shown = " ".join(f"<span>{name} <b>{_text(value)}</b></span>" for name, value in facts.items() if value)
    return f'<p class="facts">{shown}</p>' if shown else ""


def _link(href: object, text: object) -> str:
    label = _text(str(text or href))
    if isinstance(href, str) and href.lower().startswith(("https://", "http://")):
        return f'<a href="{escape(href)}" rel="noreferrer noopener">{label}</a>'
    return f"{label} <code>{_text(str(href))}</code>" if text else f"<code>{label}</code>"


def _time(seconds: float) -> str:
    moment = time.localtime(seconds)
    full = time.strftime("%Y-%m-%d %H:%M:%S %z", moment)
    return f'<time title="{full}">{time.strftime("%H:%M:%S", moment)}</time>'


def _heading(title: str, number: int, most: int) -> str:
    return f"<h2>{title} <small>{number if number <= most else f'the newest {most} of {number}'}</small></h2>"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
