# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: page_on_failure
type: notification
short_description: Page people through PagerDuty when a run fails, and resolve that when it works again
version_added: 0.1.0
author:
  - The oncall.pagerduty authors (@oncall-pagerduty)
description:
  - Raises a PagerDuty incident when a run of C(ansible-playbook) fails, by the same rule as its exit code. What is
    ignored, rescued, retried or skipped pages nobody.
  - A run is one incident by default, however many hosts fail. The next failing run of the same playbook adds to it.
    Once each failed host has got through the place where it failed, in whatever later run, the incident resolves
    itself.
  - Nothing here delays or fails a run. Events are kept on disk and sent by a process of their own.
  - Enable it with C(callbacks_enabled = oncall.pagerduty.page_on_failure) in C(ansible.cfg).
extends_documentation_fragment:
  - oncall.pagerduty.connection
  - oncall.pagerduty.connection.plugins
  - oncall.pagerduty.retries
  - oncall.pagerduty.retries.plugins
  - oncall.pagerduty.outbox
  - oncall.pagerduty.outbox.plugins
requirements:
  - enabled in the configuration
options:
  enabled:
    description:
      - Whether failures are paged. As a variable C(pagerduty_enabled), this leaves out hosts, groups, plays or tasks.
      - A value that is neither true nor false is warned about, and failures are paged.
    type: bool
    default: true
    env:
      - name: PAGERDUTY_ENABLED
    ini:
      - section: pagerduty
        key: enabled
  page_on:
    description:
      - What is paged. V(failed) is a task that failed, V(unreachable) a host that could not be reached, V(error) an
        error that ended the run without a failed host, or another exit code than 0 that no failure explains,
        V(interrupted) a run that was ended by Ctrl-C or a signal before anything had failed.
    type: list
    elements: str
    choices: [failed, unreachable, error, interrupted]
    default: [failed, unreachable, error]
    env:
      - name: PAGERDUTY_PAGE_ON
    ini:
      - section: pagerduty
        key: page_on
  severity:
    description:
      - How bad it is. One of V(critical), V(error), V(warning) and V(info) for all, or one for each of O(page_on)
        as in V(failed=error,unreachable=warning).
    type: str
    default: error
    env:
      - name: PAGERDUTY_SEVERITY
    ini:
      - section: pagerduty
        key: severity
  group_by:
    description:
      - Failures that agree in all of these are one incident. Out of V(playbook), V(play), V(role), V(task), V(host),
        V(inventory), V(controller), and C(vars.NAME) for the variable C(NAME) of the host.
      - By default V(playbook); in a run that C(ansible-pull) has started, V(playbook) and V(controller).
      - V(controller) is the name of the machine that Ansible runs on. Where many machines run the same playbook for
        themselves and page the same service, it keeps the first one that works again from resolving the incident of
        all.
      - An inventory is named by its path in the project or beside it, else by its whole path, and by its name under
        AWX.
    type: list
    elements: str
    env:
      - name: PAGERDUTY_GROUP_BY
    ini:
      - section: pagerduty
        key: group_by
  job_name:
    description:
      - What the playbook is called in incidents and their keys. By default the job template's name under AWX, else
        the playbook's path in its project.
      - A command C(ansible) is called by its module and a hash of the arguments, behind this name if there is one.
      - A playbook that comes through a pipe, as with C(/dev/stdin), has no name of its own. It pages, and its incident
        is not resolved by itself unless this option names the job. A playbook in a temporary folder that looks made
        for one run is called by its whole path.
      - Projects that page the same service from playbooks of the same name need one each, or they share an incident.
      - Playbooks that share a name share an incident too, as all those of a project whose C(ansible.cfg) has this
        option. A green run of one of them proves of another's failures only what it comes through itself; with
        O(resolve_on_success=always) it resolves them.
    type: str
    env:
      - name: PAGERDUTY_JOB_NAME
    ini:
      - section: pagerduty
        key: job_name
  job_variables:
    description:
      - Which extra variables make a run another job than other runs of the same playbook, and likewise the answers to
        C(vars_prompt) of a play. Names as shell patterns, whatever their case; one that starts with C(!) takes names
        out again.
      - A run says nothing about what failed in a run with other values of them. It resolves neither the incident nor
        a part of it, unless the incident's key is made of one of them, by C(vars.NAME) in O(group_by) or in
        O(dedup_key). Then the key alone decides.
      - By default all count, except those that name a version of what is rolled out, those that AWX adds, and two
        kinds that change between runs of one job. C(pagerduty_*) are settings of this collection; where they change
        the incident's key, or who is paged, that counts by itself. C(ansible_*pass) and C(ansible_*password) are
        what somebody who runs a job by hand logs in with. Another C(ansible_user) or C(ansible_host) counts.
      - The same value counts as the same however it is written, as text in C(-e port=80) and as a number in JSON.
        Values are kept only as a hash that cannot be made without the integration key.
      - Variables that come from elsewhere, as from the environment or the inventory, are not looked at.
    type: list
    elements: str
    default:
      - "*"
      - "!*version*"
      - "!*tag"
      - "!*revision*"
      - "!*commit*"
      - "!*build*"
      - "!*release*"
      - "!awx_*"
      - "!tower_*"
      - "!pagerduty_*"
      - "!ansible_*pass"
      - "!ansible_*password"
    env:
      - name: PAGERDUTY_JOB_VARIABLES
    ini:
      - section: pagerduty
        key: job_variables
  dedup_key:
    description:
      - A Jinja template for the incident's key, in the place of the one made from O(group_by). It can refer to the
        variables of the host and to C(failure.job), C(failure.play), C(failure.role), C(failure.task),
        C(failure.path) and C(failure.host).
    type: str
    env:
      - name: PAGERDUTY_DEDUP_KEY
    ini:
      - section: pagerduty
        key: dedup_key
  summary:
    description:
      - A Jinja template for the incident's title. It can refer to the variables of the first failed host and to
        C(failure.summary) (the title it would have), C(failure.job), C(failure.play), C(failure.role),
        C(failure.task), C(failure.path), C(failure.host), C(failure.hosts), C(failure.failed), C(failure.total) and
        C(failure.message).
    type: str
    env:
      - name: PAGERDUTY_SUMMARY
    ini:
      - section: pagerduty
        key: summary
  custom_details:
    description:
      - More entries for the incident's details, a mapping whose values are Jinja templates as in O(summary).
      - In C(ansible.cfg) and in the environment written as JSON.
    type: raw
    env:
      - name: PAGERDUTY_CUSTOM_DETAILS
    ini:
      - section: pagerduty
        key: custom_details
  component:
    description:
      - The incident's C(component).
    type: str
    env:
      - name: PAGERDUTY_COMPONENT
    ini:
      - section: pagerduty
        key: component
  group:
    description:
      - The incident's C(group).
    type: str
    env:
      - name: PAGERDUTY_GROUP
    ini:
      - section: pagerduty
        key: group
  class:
    description:
      - The incident's C(class).
    type: str
    env:
      - name: PAGERDUTY_CLASS
    ini:
      - section: pagerduty
        key: class
  client:
    description:
      - The name of what triggers the incident.
    type: str
    default: Ansible
    env:
      - name: PAGERDUTY_CLIENT
    ini:
      - section: pagerduty
        key: client
  client_url:
    description:
      - A link to what triggers the incident. By default to the job, under AWX, GitHub Actions, GitLab and Jenkins.
    type: str
    env:
      - name: PAGERDUTY_CLIENT_URL
    ini:
      - section: pagerduty
        key: client_url
  redact_variables:
    description:
      - Names of variables, as shell patterns, whose values are masked wherever they appear in what is sent. A pattern
        that starts with C(!) takes names out again. Values of vaulted variables always are masked.
      - A value that is a template is rendered for that, unless a lookup stands in it, or in a variable that it refers
        to, that does more than read the environment, a variable or a file. Such a lookup is not run again, and what
        it had returned is masked by its shape only.
    type: list
    elements: str
    default:
      - "*passw*"
      - "*passphrase*"
      - "*passcode*"
      - "pass"
      - "*_pass"
      - "pwd"
      - "*_pwd"
      - "*secret*"
      - "*token*"
      - "*credential*"
      - "*api?key*"
      - "*apikey*"
      - "*private?key*"
      - "*privatekey*"
      - "*access?key*"
      - "*accesskey*"
      - "*auth?key*"
      - "*account?key*"
      - "*encryption?key*"
      - "*signing?key*"
      - "*shared?key*"
      - "*license?key*"
      - "*routing?key*"
      - "*integration?key*"
      - "*service?key*"
      - "*webhook*"
      - "vault_*"
      - "!*_file"
      - "!*_path"
      - "!*_dir"
      - "!*_name"
    env:
      - name: PAGERDUTY_REDACT_VARIABLES
    ini:
      - section: pagerduty
        key: redact_variables
  resolve_on_success:
    description:
      - When incidents are resolved by themselves.
      - V(ledger) resolves one when each of its failed hosts has got through, in runs that could have raised it
        themselves. What is open is remembered beside the outbox.
      - V(always) resolves the job's incident after each complete green run, without a memory; for execution
        environments, whose disk is gone after the run. A run with a limit or tags resolves nothing that way, nor one
        without hosts, or with a source of its inventory that could not be read. A job that is run with several
        inventories needs V(inventory) in O(group_by) for it. Runs with extra variables that O(job_variables) counts
        have keys, and so incidents, of their own; with a O(dedup_key) that is not made of them they resolve nothing.
      - V(never) leaves it to people.
    type: str
    choices: [ledger, always, never]
    default: ledger
    env:
      - name: PAGERDUTY_RESOLVE_ON_SUCCESS
    ini:
      - section: pagerduty
        key: resolve_on_success
  change_events:
    description:
      - Whether a change event tells PagerDuty of each run at its end, with what changed on how many hosts.
      - V(true) or V(false), or any other word that Ansible takes for one of them, or V(start) for an event at the
        run's start as well as at its end.
    type: str
    default: "false"
    env:
      - name: PAGERDUTY_CHANGE_EVENTS
    ini:
      - section: pagerduty
        key: change_events
  flush_timeout:
    description:
      - Seconds to wait at the end of a run for events to be accepted, over all playbooks of a command together. What
        is not accepted by then stays in the outbox and is sent later. V(0) does not wait.
    type: float
    default: 10.0
    env:
      - name: PAGERDUTY_FLUSH_TIMEOUT
    ini:
      - section: pagerduty
        key: flush_timeout
notes:
  - What is empty or blank counts as not given, in whatever place. An option whose value cannot be used is named in a
    warning at the start, with where it stands, and nothing is paged in that run. O(enabled), and what only decorates a
    page or goes with it (O(severity), O(custom_details), O(change_events)), is as if it had not been given instead,
    and failures are paged.
  - Variables of hosts, groups, plays and tasks overrule the options. C(pagerduty_) before the name makes the
    variable of O(enabled), O(severity), O(group_by), O(dedup_key), O(summary), O(custom_details), O(component),
    O(group), O(class), O(client), O(client_url), O(routing_key), O(routing_key_file), O(region), O(api_url) and the
    other settings of the connection.
"""

EXAMPLES = r"""
# ansible.cfg:
#
#   [defaults]
#   callbacks_enabled = oncall.pagerduty.page_on_failure
#
#   [pagerduty]
#   routing_key_file = /etc/ansible/pagerduty.key
#   severity = failed=critical,unreachable=warning
#   group_by = playbook, role

# group_vars/databases.yml: failures of these hosts page another service
pagerduty_routing_key: "{{ vault_databases_pagerduty_key }}"
pagerduty_custom_details:
  runbook: "https://wiki.example.com/{{ inventory_hostname }}"

# host_vars/scratch1.yml: failures of this host page nobody
pagerduty_enabled: false
"""

from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolved_options import resolve
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._session import Session


class CallbackModule(CallbackBase):
    """Passes what ansible-core tells on to a session; steps aside if that cannot be configured."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "oncall.pagerduty.page_on_failure"
    CALLBACK_NEEDS_ENABLED = True

    _session: Session

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        """Take the options; one that cannot be used is said once, and nothing is paged."""
        definitions = constants.config.get_configuration_definitions(self.plugin_type, self._load_name)
        resolved = resolve(definitions, direct)
        self._plugin_options = dict(resolved.values)
        try:
            self._session = Session(resolved, self._display)
        except OptionError as error:
            self.disabled = True
            self._display.warning(f"page_on_failure: nothing will be paged in this run: {error}")

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """A playbook begins."""
        if self._session.playbook_start(playbook):
            self._listen_to_successes()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A play begins."""
        self._session.play_start(play)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool = False) -> None:
        """A task begins."""
        self._session.task_start(task)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """A handler begins."""
        self._session.task_start(task)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task has failed on a host."""
        self._session.failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host could not be reached."""
        self._session.unreachable(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """A playbook has ended."""
        self._session.stats(stats)

    def _listen_to_successes(self) -> None:
        """Have successful tasks told as well.

        ansible-core prepares each result anew for every callback that has a method for it, which would make all green
        runs slower. So there is no such method on the class, only on this object and only while incidents are open.
        From 2.19 on ansible-core looks methods up in a set made at the beginning.
        """
        hooks = {"v2_runner_on_ok": self._session.passed, "v2_runner_on_skipped": self._session.skipped}
        for hook, heard in hooks.items():
            setattr(self, hook, heard)
        known = getattr(self, "_implemented_callback_methods", None)
        if known is not None:
            self._implemented_callback_methods = known | frozenset(hooks)
