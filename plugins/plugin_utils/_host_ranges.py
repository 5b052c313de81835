# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes many hosts' names in few words, as in C(web[001:250].example.com). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Union

_DIGITS = re.compile(r"([0-9]+)")

# What needs no quotes in a shell, and means nothing of its own in Ansible's ranges. No machine's name is longer.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")

# Up to so many hosts each is named by itself: that is easiest to read and to search.
_NAMED = 100

# Characters of a list. An event takes 512,000 bytes, and may have two such lists beside its texts.
_LIST_CHARACTERS = 150_000


@dataclass(frozen=True)
class _Range:
    """Numbers as they are written, from the first to the last, all of one width or none with a zero before it."""

    first: str
    last: str

    @property
    def size(self) -> int:
        return int(self.last) - int(self.first) + 1


# A name in pieces: text and numbers by turns, or ranges in the place of numbers.
_Piece = Union[str, _Range]
_Pieces = tuple[_Piece, ...]


@dataclass(frozen=True)
class HostRange:
    """One host, or several whose names differ in their numbers only.

    Attributes:
        pieces: the parts of the name.
    """

    pieces: _Pieces

    @property
    def size(self) -> int:
        """How many hosts these are."""
        size = 1
        for piece in self.pieces:
            size *= piece.size if isinstance(piece, _Range) else 1
        return size

    @property
    def in_inventory(self) -> str:
        """How Ansible's inventories write it: C(web[001:250])."""
        return "".join(f"[{piece.first}:{piece.last}]" if isinstance(piece, _Range) else piece for piece in self.pieces)

    @property
    def in_shell(self) -> str:
        """How bash and zsh write it: C(web{001..250})."""
        return "".join(
            f"{{{piece.first}..{piece.last}}}" if isinstance(piece, _Range) else piece for piece in self.pieces
        )


def is_plain(name: str) -> bool:
    """Tell whether a host's name can stand in a shell's command as it is."""
    return _PLAIN.fullmatch(name) is not None


def ranges_of(names: Iterable[str]) -> list[HostRange]:
    """Return the hosts in as few ranges as are easily found, in a person's order: web9 before web10."""
    unique = list(dict.fromkeys(names))
    plain = [tuple(_DIGITS.split(name)) for name in unique if is_plain(name)]
    found: list[_Pieces] = list(plain)
    while True:
        folded = min((_folded(found, place) for place in _places(found)), key=len, default=found)
        if len(folded) == len(found):
            break
        found = folded
    odd: list[_Pieces] = [(name,) for name in unique if not is_plain(name)]
    return [HostRange(pieces) for pieces in sorted([*found, *odd], key=_order)]


def listed(names: Iterable[str]) -> list[str]:
    """Return a list of hosts for a person: all of them, as far as an event has room, by range if they are many."""
    unique = list(dict.fromkeys(names))
    if len(unique) <= _NAMED:
        return unique
    shown: list[str] = []
    left, room = len(unique), _LIST_CHARACTERS
    for found in ranges_of(unique):
        text = found.in_inventory
        room -= len(text)
        if room < 0:
            return [*shown, f"and {left} more"]
        shown.append(text)
        left -= found.size
    return shown


def _places(names: Sequence[_Pieces]) -> range:
    """Return where numbers can be: every second piece."""
    return range(1, max(map(len, names), default=0), 2)


def _folded(names: Sequence[_Pieces], place: int) -> list[_Pieces]:
    """Put together the names that are the same but for consecutive numbers at one place."""
    alike: dict[tuple[_Pieces, _Pieces], list[str]] = {}
    rest: list[_Pieces] = []
    for pieces in names:
        number = pieces[place] if place < len(pieces) else None
        if isinstance(number, str):
            alike.setdefault((pieces[:place], pieces[place + 1 :]), []).append(number)
        else:
            rest.append(pieces)
    for (before, after), numbers in alike.items():
        rest += [(*before, piece, *after) for piece in _runs(numbers)]
    return rest


def _runs(numbers: Iterable[str]) -> list[_Piece]:
    runs: list[list[str]] = []
    for number in sorted(numbers, key=lambda text: (int(text), len(text))):
        if runs and _follows(runs[-1], number):
            runs[-1].append(number)
        else:
            runs.append([number])
    return [run[0] if len(run) == 1 else _Range(run[0], run[-1]) for run in runs]


def _follows(run: Sequence[str], number: str) -> bool:
    if int(number) != int(run[-1]) + 1:
        return False
    # From 001 on all have three digits. From 1 on none has a zero before it.
    is_padded = len(run[0]) > 1 and run[0].startswith("0")
    return len(number) == len(run[0]) if is_padded else not number.startswith("0")


def _order(pieces: _Pieces) -> tuple[tuple[int, int, str], ...]:
    written = (piece.first if isinstance(piece, _Range) else piece for piece in pieces)
    return tuple((1, int(text), text) if text.isascii() and text.isdigit() else (0, 0, text) for text in written)
