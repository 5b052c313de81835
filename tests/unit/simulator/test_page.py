# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: everything of interest is on it, nothing on it is taken for HTML, and no key is."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator

KEY = "0123456789abcdef0123456789abcdef"
V2 = "/v2/enqueue"
EVIL = "<evil onload='x'></evil><script>x</script>\"'&lt;"

Ask = Callable[..., Any]
Alert = Callable[..., dict[str, Any]]


class Outline(HTMLParser):
    """The elements of a page, their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self._in_style = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += "" if self._in_style else data

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


@pytest.fixture
def look(ask: Ask) -> Callable[[], Outline]:
    return lambda: Outline(ask("GET", "/").body.decode())


def test_the_empty_page_says_what_to_do(pd: Simulator, look: Callable[[], Outline]) -> None:
    text = look().text
    assert "Nothing has happened yet" in text
    command = next(line for line in text.splitlines() if "curl" in line)
    assert f"{pd.url}/v2/enqueue" in command


def test_the_command_on_the_empty_page_works(ask: Ask, look: Callable[[], Outline]) -> None:
    data = re.search(r"-d '(\{.*\})'", look().text)
    assert data
    assert ask("POST", V2, data[1]).status == 202


def test_an_incident_is_there_with_all_that_matters(ask: Ask, alert: Alert, look: Callable[[], Outline]) -> None:
    event = alert(
        component="postgres",
        group="prod",
        custom_details={"lag": 412, "hosts": ["db1", "db2"]},
        **{"class": "replication"},
    )
    event.update(client="Ansible", client_url="https://awx.example.com/1", links=[{"href": "https://run.example.com"}])
    ask("POST", V2, event)
    ask("POST", V2, alert(summary="Fuller still", custom_details={"lag": 999}))
    ask("POST", V2, alert("acknowledge"))
    outline = look()
    for expected in ("triggered", "critical", "Disk full", "db1", "disk/db1", "postgres", "prod", "replication"):
        assert expected in outline.text.replace("acknowledged", "triggered"), expected
    for expected in ("acknowledged", "lag", "412", '["db1", "db2"]', "Fuller still", "999", "Ansible", "…cdef"):
        assert expected in outline.text, expected
    assert {"https://awx.example.com/1", "https://run.example.com"} <= set(outline.links)
    assert re.search(r"trigger.*trigger.*acknowledge", outline.text.split("Disk full")[1], re.DOTALL)


def test_open_incidents_come_first_then_the_newest(ask: Ask, alert: Alert, look: Callable[[], Outline]) -> None:
    for name in ("first", "second", "third"):
        ask("POST", V2, alert(dedup_key=name, summary=f"The {name}"))
    ask("POST", V2, alert("resolve", "third"))
    assert re.findall(r"The (\w+)", look().text) == ["second", "first", "third"]


def test_change_events_are_there(ask: Ask, look: Callable[[], Outline]) -> None:
    body = {"routing_key": KEY, "payload": {"summary": "Deployed 1.4", "source": "ci", "custom_details": {"by": "eve"}}}
    ask("POST", "/v2/change/enqueue", {**body, "links": [{"href": "https://ci.example.com", "text": "the build"}]})
    text = look().text
    for expected in ("Change events", "Deployed 1.4", "ci", "eve", "the build"):
        assert expected in text


def test_what_was_refused_is_there_with_the_reason(
    pd: Simulator, ask: Ask, alert: Alert, look: Callable[[], Outline]
) -> None:
    ask("POST", V2, alert(severity="fatal"))
    ask("POST", "/nowhere", {})
    pd.add_fault(Fault("status", code=503, retry_after=5))
    pd.add_fault(Fault("reset_after"))
    pd.add_fault(Fault("throttle", count=7, api="v1"))
    ask("POST", V2, alert())
    with pytest.raises(ConnectionResetError):
        ask("POST", V2, alert())
    text = look().text
    assert "'payload.severity' is invalid" in text
    assert "Not Found" in text
    assert "kind=status,code=503,retry_after=5" in text
    assert re.search(r"none\s*taken.*kind=reset_after", text, re.DOTALL)
    assert "kind=throttle,count=7,api=v1" in text.split("Faults to come")[1]


def test_nothing_that_came_in_is_taken_for_html(
    pd: Simulator, ask: Ask, alert: Alert, look: Callable[[], Outline]
) -> None:
    pd.add_fault(Fault("status", code=500, body=EVIL, headers={"X": EVIL}, api="change"))
    evil = alert(
        dedup_key=EVIL,
        summary=EVIL,
        source=EVIL,
        component=EVIL,
        group=EVIL,
        custom_details={EVIL: EVIL, "deep": [EVIL]},
    )
    evil["payload"]["class"] = EVIL
    evil.update(client=EVIL, client_url="javascript:alert(1)")
    evil["links"] = [
        {"href": "javascript:alert(2)", "text": EVIL},
        {"href": 'https://a/"onclick="x', "text": EVIL},
        {"href": "data:text/html,x"},
    ]
    evil["images"] = [{"src": 'https://b/"onerror="x', "alt": EVIL}]
    ask("POST", V2, evil)
    ask("POST", V2, evil)
    ask("POST", V2, alert("resolve", EVIL, summary=EVIL))
    ask("POST", "/" + "%3Cscript%3E<script>", {})
    change = {"routing_key": KEY, "payload": {"summary": EVIL, "source": EVIL, "custom_details": {EVIL: EVIL}}}
    ask("POST", "/v2/change/enqueue", change)  # uses up the fault
    ask("POST", "/v2/change/enqueue", change)
    ask("POST", V2, {**evil, "routing_key": EVIL, "event_action": EVIL})
    pd.add_fault(Fault("status", body=EVIL, path=EVIL))
    outline = look()
    assert not outline.tags & {"evil", "script", "img"}
    allowed = {"class", "id", "title", "href", "rel", "lang", "charset", "name", "content", "http-equiv"}
    assert outline.attributes <= allowed
    assert all(link.startswith(("https://", "/")) for link in outline.links)
    assert outline.text.count(EVIL) > 15


def test_no_key_is_on_it(pd: Simulator, ask: Ask, alert: Alert) -> None:
    pd.add_fault(Fault("status", key=KEY, count=2))
    for path, event in (
        (V2, alert()),
        (V2, alert()),
        (V2, alert(summary=f"Oh, the key is {KEY}", custom_details={"key": KEY})),
        (V2, {**alert(), "routing_key": KEY + "0"}),
        ("/v2/change/enqueue", {"routing_key": KEY, "payload": {"summary": "Deployed"}}),
    ):
        ask("POST", path, event)
    page = ask("GET", "/").body.decode()
    assert KEY not in page
    assert KEY[:-4] not in html.unescape(page)
    assert "…cdef" in page


def test_it_renews_itself_unless_it_is_paused(ask: Ask) -> None:
    assert b'http-equiv="refresh"' in ask("GET", "/").body
    assert b'http-equiv="refresh"' not in ask("GET", "/?paused").body


def test_the_browser_is_told_to_load_nothing(ask: Ask) -> None:
    headers = ask("GET", "/").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_it_is_only_looked_at(ask: Ask) -> None:
    assert ask("POST", "/", {}).status == 405
    head = ask("HEAD", "/")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) > 1000


def test_it_stays_short_whatever_came(ask: Ask, alert: Alert) -> None:
    ask("POST", V2, alert(custom_details={"log": "x" * 400_000}))
    for _turn in range(60):
        ask("POST", V2, alert(summary="again"))
    page = ask("GET", "/").body.decode()
    assert "(400000 characters)" in page
    assert "41 earlier entries" in page
    assert len(page) < 50_000
