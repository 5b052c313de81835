# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what is paged against how ansible-playbook itself ends, over thousands of small playbooks.

For each: paged if and only if the exit code says that the run failed; the hosts named are the failed and unreachable
ones of ansible-core's own retry file; nothing is paged that is taken back later; and, where it can be known, the page
goes out before the end of the run. A run cut short by a signal or an exception has no retry file: its hosts stand in
the case.

    pytest tests/differential -m quick                      a sample, for every day
    pytest tests/differential -m matrix                     a larger one, for every ansible-core
    python -m tests.differential --scope all                everything, without pytest
    python -m tests.differential --keep /tmp/x "fail / rescued"    the cases of that name; keeps their folders

The ansible-core under test is that of the running interpreter, or of the one given by ``--python``.
"""
