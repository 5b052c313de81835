# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -m tests.simulator`, as a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from ansible_collections.oncall.pagerduty.tests import simulator
from ansible_collections.oncall.pagerduty.tests.support.network import address_of

KEY = "0123456789abcdef0123456789abcdef"
CHECKOUT = Path(simulator.__file__ or "").parents[2]
ALERT = {
    "routing_key": KEY,
    "event_action": "trigger",
    "dedup_key": f"disk/db1/{KEY}",
    "payload": {"summary": "Disk \x1b[31m\u201cfull\u201d\n", "source": "db1", "severity": "critical"},
}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.simulator", *arguments]


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A simulator on a free port, with its first line read."""
    with subprocess.Popen(
        command("--port", "0", *arguments),
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process, out(process).readline()
        finally:
            process.kill()


def out(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout
    return process.stdout


def url_in(line: str) -> str:
    return next(word for word in line.split() if word.startswith("http"))


def post(url: str, body: Any) -> int:
    connection = http.client.HTTPConnection(*address_of(url), timeout=60)
    connection.request("POST", "/v2/enqueue", json.dumps(body), {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_line_says_where_it_is_one_tells_of_each_event_and_a_signal_ends_it(number: signal.Signals) -> None:
    with running() as (process, first):
        url = url_in(first)
        assert "open it in a browser" in first
        assert post(url, ALERT) == 202
        line = out(process).readline()
        assert post(url, {}) == 400
        refused = out(process).readline()
        process.send_signal(number)
        assert process.wait(60) == 0
        assert process.communicate() == ("", "")
    for expected in (
        "202",
        "v2 trigger",
        "\u201cDisk \\x1b[31m\u201cfull\u201d\\n\u201d",
        "dedup_key=disk/db1/…cdef",
        "key=…cdef",
    ):
        assert expected in line
    assert KEY not in line
    assert "['routing_key' cannot be blank; 'event_action' is missing or blank]" in refused


def test_the_options_do_what_they_say(tmp_path: Path) -> None:
    file = tmp_path / "url"
    arguments = (
        "--rate-limit",
        "1",
        "--key",
        KEY,
        "--fault",
        "kind=status,code=503",
        "--fault",
        "kind=status,code=418",
    )
    with running(*arguments, "--url-file", str(file), "--quiet") as (process, first):
        assert file.read_text() == url_in(first) + "\n"
        url = url_in(first)
        assert [post(url, ALERT) for _turn in range(4)] == [503, 418, 202, 429]
        assert post(url, {**ALERT, "routing_key": "f" * 32}) == 400
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "")
    assert not file.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_that_knows_only_ascii_is_no_problem() -> None:
    with running(PYTHONIOENCODING="ascii") as (process, first):
        assert post(url_in(first), ALERT) == 202
        assert r"key=\u2026cdef" in out(process).readline()


def test_it_goes_on_when_nobody_reads_its_lines() -> None:
    with running() as (process, first):
        out(process).close()
        assert [post(url_in(first), ALERT) for _turn in range(3)] == [202, 202, 202]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_black_hole_does_not_delay_its_end() -> None:
    with running("--fault", "kind=black_hole") as (process, first):
        address = address_of(url_in(first))
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(b"POST /v2/enqueue HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            assert "black_hole" in out(process).readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0 is no loopback address"),
        (["--host", "example.com"], "example.com is no loopback address"),
        (["--port", "x"], "'x' is no whole number"),
        (["--port", "70000"], "70000 is no port"),
        (["--rate-limit", "-1"], "'-1' is no whole number"),
        (["--fault", "kind=nonsense"], "unknown kind 'nonsense'"),
        (["--fault", "kind=status,code=9"], "code must be from 200 to 599"),
        (["--seed", "x"], "--seed"),
        (["--keyfile", "x"], "--keyfile needs --certfile"),
        (["--certfile", "/nowhere.pem"], "cannot read the certificate"),
        (["--certfile", __file__], "cannot use the certificate"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_bad_arguments_are_one_clear_line(arguments: list[str], message: str) -> None:
    done = subprocess.run(command(*arguments), cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert message in line


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            command("--port", port), cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"cannot listen at http://127.0.0.1:{port}" in line


def test_it_needs_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "tests.simulator", "--help"],
        cwd=CHECKOUT,
        env={"PATH": os.environ.get("PATH", os.defpath)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--rate-limit" in done.stdout
