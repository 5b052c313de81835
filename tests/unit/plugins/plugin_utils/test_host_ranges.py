# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of hosts say exactly the hosts that they were made of: to Ansible's own reader, and to a shell."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest
from ansible.plugins.inventory import expand_hostname_range

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._host_ranges import is_plain, ranges_of


def written(*names: str) -> list[str]:
    return [found.in_inventory for found in ranges_of(names)]


def series(pattern: str, *numbers: int) -> list[str]:
    return [pattern.format(number) for number in numbers]


@pytest.mark.parametrize(
    ("names", "ranges"),
    [
        ([], []),
        (["web1"], ["web1"]),
        (["localhost", "localhost"], ["localhost"]),
        (series("web{:03}", *range(1, 251)), ["web[001:250]"]),
        (series("web{}", *range(1, 13)), ["web[1:12]"]),
        (
            series("web{}.example.com", 10, 9, 8, 3, 1),
            ["web1.example.com", "web3.example.com", "web[8:10].example.com"],
        ),
        (series("10.0.0.{}", *range(4, 9)), ["10.0.0.[4:8]"]),
        ([f"web{n:02}.dc{m}" for n in range(1, 21) for m in (1, 2)], ["web[01:20].dc[1:2]"]),
        ([f"r{n}w{m}" for n in range(3) for m in range(10)], ["r[0:2]w[0:9]"]),
        (["web08", "web09", "web10", "web11"], ["web[08:11]"]),
        (["web9", "web10", "web011"], ["web[9:10]", "web011"]),
        (["web98", "web99", "web100"], ["web[98:100]"]),
        (["web099", "web100"], ["web[099:100]"]),
        (["web99", "web0100"], ["web99", "web0100"]),
        (["0", "1", "2"], ["[0:2]"]),
        (["a1", "b2"], ["a1", "b2"]),
        (["größe1", "größe2", "fe80::1", "fe80::2", "web[1:2]", "-n1", "a b1"], None),
        (series("web{}", 10**30, 10**30 + 1), [f"web[{10**30}:{10**30 + 1}]"]),
    ],
)
def test_the_ranges_of_names(names: list[str], ranges: list[str] | None) -> None:
    # What could mean something else where it is written stays as it is.
    assert written(*names) == (sorted(names) if ranges is None else ranges)


def test_a_persons_order() -> None:
    names = ["web10", "db2", "web2", "db7", "app"]
    assert written(*names) == ["app", "db2", "db7", "web2", "web10"]


def many(seed: int) -> list[str]:
    """Names with holes, several numbers and zeros before them."""
    chance = random.Random(seed)
    shapes = ["web{}", "web{:03}", "db{}.dc{}.example.com", "10.{}.0.{}", "h{}x{:02}y{}", "host"]
    names = [chance.choice(shapes).format(*(chance.randrange(14) for _number in range(3))) for _name in range(300)]
    return list(dict.fromkeys(names))


@pytest.mark.parametrize("seed", range(20))
def test_ansible_reads_the_same_hosts_in_them(seed: int) -> None:
    names = many(seed)
    found = ranges_of(names)
    read = [
        name
        for one in found
        for name in (expand_hostname_range(one.in_inventory) if "[" in one.in_inventory else [one.in_inventory])
    ]
    assert sorted(read) == sorted(names)
    assert sum(one.size for one in found) == len(names)
    assert len(found) < len(names)


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize("seed", range(3))
def test_a_shell_reads_the_same_hosts_in_them(seed: int) -> None:
    names = many(seed)
    words = " ".join(one.in_shell for one in ranges_of(names))
    run = subprocess.run(["bash", "-c", f"printf '%s\\n' {words}"], check=True, capture_output=True, text=True)
    assert sorted(run.stdout.split()) == sorted(names)


def test_ten_thousand_hosts_are_one_range() -> None:
    assert written(*(f"host{number:05}.example.com" for number in range(10_000))) == ["host[00000:09999].example.com"]


@pytest.mark.parametrize("name", ["web1", "web-1.example.com", "_x", "10.0.0.1"])
def test_usual_names_are_plain(name: str) -> None:
    assert is_plain(name)


@pytest.mark.parametrize("name", ["", "-n", "a b", "a,b", "größe", "fe80::1", "$(x)", "web[1:2]", "a\n", "{1..2}"])
def test_what_a_shell_could_misread_is_not_plain(name: str) -> None:
    assert not is_plain(name)
