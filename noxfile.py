# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One nox session for each job; `make` calls them, and `nox --list` shows them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # nox itself does not put it there

from tools import interpreters, tree  # noqa: E402  # see the line above
from tools.interpreters import CORES, Core, dotted  # noqa: E402  # as above

nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "sanity", "units-targets", "matrix"]

# Their parts keep a processor busy each, and run side by side; those of sanity wait now and then, so there is one more.
# What any other session prints is to be seen at once.
if {"sanity", "units-targets", "matrix", "smoke"}.intersection(sys.argv):
    nox.options.parallel = (os.cpu_count() or 1) + ("sanity" in sys.argv)

CODE = ("plugins", "tests", "tools", "noxfile.py")
TESTS = ("support", "simulator", "demo", "unit", "integration", "differential", "trials", "chaos", "bench", "ecosystem")
TYPED = ("plugins", *(f"tests/{name}" for name in TESTS))
# What imports them by these names is checked with them.
TYPED_IN_PLACE = ("tools", "noxfile.py", "tests/release")
# Managed hosts may run these, older than any controller; the newest ansible-test that knows both is 2.18's.
TARGET_PYTHONS = ((3, 8), (3, 9))
TARGET_CORE = next(core for core in CORES if core.release.startswith("2.18."))
# On the newest one the matrix runs measured.
MEASURED_CORE = CORES[-1]
# `make test` runs on this one, which is installed beside nox; the matrix runs there what that leaves out.
EVERYDAY_CORE = next((core for core in CORES if core.release == interpreters.installed("ansible-core")), None)
# What the oldest core is tested with, since that is how old a machine may be all over.
OLDEST_HTTP = ("requests==2.28.0", "urllib3==1.26.20")
OLDEST_AND_NEWEST = (CORES[0], CORES[-1])
# The tests of the simulator and of module_utils have nothing, or next to nothing, to do with ansible-core.
UNITS = "tests/unit/plugins/plugin_utils"
CORE_TESTS = (UNITS, "tests/integration", "tests/differential")
# What depends on it most: how the callback and the tasks are called, and which failures count.
CORE_TESTS_BETWEEN = (
    *(
        f"tests/integration/test_{name}.py"
        for name in ("page_on_failure", "page_on_failure_strangers", "page_on_failure_ends", "task_results")
    ),
    "tests/differential",
)
# They look at which modules are loaded, or how much memory is used, and the measuring itself loads sqlite3.
ENDS = "tests/integration/test_page_on_failure_ends.py"
NOT_MEASURED = (
    "tests/integration/test_page_on_failure.py::test_a_green_run_writes_loads_and_starts_nothing",
    f"{ENDS}::test_in_check_mode_not_even_events_of_earlier_runs_are_looked_at",
    f"{ENDS}::test_a_run_waits_for_pagerduty_no_longer_than_it_is_told_to_and_the_next_one_sends_the_rest",
    "tests/integration/test_page_on_failure_resolving.py::test_a_whole_green_run_resolves_and_the_next_one_does_nothing",
    "tests/integration/test_page_on_failure_resolving.py::test_what_could_not_be_kept_is_told_again",
    "tests/integration/test_outbox_storage.py::test_when_the_disk_is_back_the_memory_is_too",
    "tests/integration/test_queue.py::test_sqlite_is_loaded_only_for_the_queue",
    f"{UNITS}/test_courier.py::test_one_small_process_waits_and_sends_when_pagerduty_is_back",
    f"{UNITS}/test_delivery.py::test_the_main_process_loads_neither_sqlite_nor_the_http_library_before_the_first_event",
    f"{UNITS}/test_outbox_task.py::test_sqlite_and_the_http_library_are_loaded_by_tasks_that_need_them_only",
)
PARALLEL = ("-n", "1", "--dist", "loadfile")
# The measured session is the longest by far. Alone, it would keep the matrix from ending.
PARALLEL_MEASURED = ("-n", "2", "--dist", "loadfile")
# What the documentation shows is run on the everyday core only.
NO_EXAMPLES = tuple(f"--ignore-glob=*/test_{name}.py" for name in ("*_guide", "documentation", "demo"))

# It asks for older versions of what others in constraints.txt need, so it comes after them; renewed by hand.
GALAXY_IMPORTER = "galaxy-importer==0.4.44"

PYTHONS = interpreters.find()
# Real interpreters before version managers' shims, for nox and for all else that looks for a python3.X.
os.environ["PATH"] = os.pathsep.join(
    [*dict.fromkeys(str(path.parent) for path in PYTHONS.values()), os.environ.get("PATH", os.defpath)]
)
os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"


def private_folder(session: nox.Session) -> Path:
    """A folder of the session's own that is there in its next run too."""
    folder = ROOT / ".nox" / session.name / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@nox.session
def lint(session: nox.Session) -> None:
    """Run ruff, yamllint, reuse, antsibull-changelog, antsibull-docs and ansible-lint."""
    session.install("--quiet", "-r", "tests/requirements-lint.txt")
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)
    session.run("yamllint", "--strict", ".")
    session.run("reuse", "lint", "--lines")
    folder = private_folder(session)
    with session.chdir(tree.copy(folder)):
        session.run("antsibull-changelog", "lint")
        validate = ("--plugin-docs", "--skip-rstcheck", "--validate-collection-refs=all")
        session.run("antsibull-docs", "lint-collection-docs", *validate, ".")
        # Without --offline it installs a copy of the collection, which from then on hides the checkout.
        visible = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_HOME": str(folder / "home")}
        session.run("ansible-lint", "--offline", "--profile", "production", env=visible)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site; a warning is an error."""
    session.install("--quiet", "-r", "tests/requirements-docs.txt")
    folder = private_folder(session)
    pages = folder / "pages"
    guides = tree.copy(folder) / "docs" / "docsite" / "rst"
    pages.mkdir(mode=0o700, exist_ok=True)  # antsibull-docs writes to no folder that others may write to
    visible = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_HOME": str(folder / "home")}
    strict = ("--fail-on-error", "--cleanup", "everything")
    write = ("collection", "--use-current", "--squash-hierarchy", *strict, "--dest-dir", str(pages))
    session.run("antsibull-docs", *write, "oncall.pagerduty", env=visible)
    # antsibull-docs copies the guides without their pictures.
    shutil.copytree(guides / "images", pages / "docsite" / "images", dirs_exist_ok=True)
    site = ROOT / "docs" / "build"
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-E", "-c", "tools/site", str(pages), str(site))
    session.log(f"The site is in {site / 'index.html'}")


@nox.session(name="format")
def format_code(session: nox.Session) -> None:
    """Let ruff format the code and fix what it can."""
    session.install("--quiet", "-c", "tests/constraints.txt", "ruff")
    session.run("ruff", "check", "--fix", *CODE, success_codes=[0, 1])
    session.run("ruff", "format", *CODE)


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy in strict mode."""
    session.install("--quiet", "-r", "tests/requirements-lint.txt")
    collection = Path("ansible_collections", "oncall", "pagerduty")
    folder = private_folder(session)
    tree.copy(folder)
    with session.chdir(folder):
        session.run("mypy", "--config-file", str(ROOT / "pyproject.toml"), *(str(collection / path) for path in TYPED))
    session.run("mypy", *TYPED_IN_PLACE)


@nox.session(venv_backend="none", requires=[f"sanity-{core.release}" for core in CORES])
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity of every ansible-core that a Python on this machine can run; arguments name tests."""
    say_if_all_were_skipped(session, CORES)


@nox.session(venv_backend="none")
def surroundings(session: nox.Session) -> None:
    """Run the unit tests, and some integration tests, in odd surroundings; arguments name them."""
    # In an environment of its own, outside of this folder: another user has to be able to read it.
    session.run(sys.executable, "-m", "tools.surroundings", *session.posargs, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what the collection costs beside others; further arguments are those of tests.bench."""
    session.install("--quiet", "-r", "tests/requirements-bench.txt")
    peers = str(private_folder(session) / "peers")
    session.run("python", "-m", "tools.peers", peers)
    session.run("python", "-m", "tests.bench", "--peers", peers, *session.posargs)


@nox.session
def pins(session: nox.Session) -> None:
    """Renew the versions in tests/constraints.txt; ansible-core's own are renewed by hand."""
    session.install("--quiet", "-c", "tests/constraints.txt", "uv")
    session.run("python", "-m", "tools.pins")


@nox.session(
    name="units-targets", venv_backend="none", requires=[f"units-target-{dotted(python)}" for python in TARGET_PYTHONS]
)
def units_targets(session: nox.Session) -> None:
    """Unit tests of module_utils on the oldest Pythons of managed hosts."""
    if not any(python in PYTHONS for python in TARGET_PYTHONS):
        session.error("nothing was run: none of these Pythons is on this machine")
    say_if_all_were_skipped(session, [TARGET_CORE])


@nox.session(
    venv_backend="none", requires=["coverage", *(f"matrix-{core.release}" for core in CORES if core != MEASURED_CORE)]
)
def matrix(session: nox.Session) -> None:
    """What depends on ansible-core, on each one that a Python on this machine can run; the newest is measured."""
    say_if_all_were_skipped(session, CORES)


def say_if_all_were_skipped(session: nox.Session, cores: Iterable[Core]) -> None:
    """Fail if no Python on this machine can run any of these releases of ansible-core."""
    if not any(interpreters.fitting(core, PYTHONS) for core in cores):
        session.error("nothing was run: no Python on this machine can run any of these releases of ansible-core")


def skip_without_python(session: nox.Session, core: Core) -> interpreters.Version:
    """The Python to run a release of ansible-core with; without one on this machine the session is skipped."""
    python = interpreters.fitting(core, PYTHONS)
    if python is None:
        leave_out(session, f"needs one of Python {', '.join(map(dotted, core.pythons))}, and none is on this machine")
    return python


def leave_out(session: nox.Session, reason: str) -> NoReturn:
    """Skip the session; in CI that is a failure, since there nobody looks for what was not run."""
    if os.environ.get("CI"):
        session.error(reason)
    session.skip(reason)


def pythons_for(core: Core) -> list[str] | None:
    """What a session on this core says of its Python."""
    python = interpreters.fitting(core, PYTHONS)
    return [dotted(python)] if python else None


def ansible_test(session: nox.Session, *arguments: str) -> None:
    """Run ansible-test of the session's ansible-core on a copy of the checkout."""
    session.run("python", "-m", "tools.ansible_test", str(private_folder(session)), *arguments)


def install_for_tests(session: nox.Session, core: Core, *further: str) -> None:
    """Install what the tests need, and the release of ansible-core they are to run on."""
    session.install("--quiet", "-r", "tests/requirements-pytest.txt", f"ansible-core=={core.release}", *further)


def session_on_core(core: Core) -> None:
    """Define the session of the matrix for a release of ansible-core."""

    @nox.session(name=f"matrix-{core.release}", python=pythons_for(core), allow_parallel=True)
    def on_core(session: nox.Session) -> None:
        skip_without_python(session, core)
        install_for_tests(session, core)
        tests = tests_of(core)
        if core == CORES[0]:
            session.install("--quiet", *OLDEST_HTTP)
            tests += [f"tests/unit/plugins/module_utils/test_transport{part}.py" for part in ("", "_proxy", "_tls")]
        session.run("python", "-m", "pytest", *PARALLEL, *(session.posargs or tests), env=scope())
        if core == EVERYDAY_CORE and scope()["DIFFERENTIAL"] != "quick" and not session.posargs:
            session.run("python", "-m", "pytest", *PARALLEL, "tests/differential", env=scope())


def tests_of(core: Core) -> list[str]:
    """What the matrix runs on a core."""
    if core == EVERYDAY_CORE:
        # On the measured one all are measured, whatever `make test` has run.
        return [*CORE_TESTS, *(() if core == MEASURED_CORE else ("-m", "slow"))]
    if EVERYDAY_CORE is None:
        return list(CORE_TESTS)
    if core in OLDEST_AND_NEWEST:
        return [*CORE_TESTS, *NO_EXAMPLES]
    # The others say little about a core between two that they pass on.
    return [*CORE_TESTS_BETWEEN, *NO_EXAMPLES, "-m", "not slow"]


def scope() -> dict[str, str]:
    """How many runs the differential test makes on each core."""
    return {"DIFFERENTIAL": os.environ.get("DIFFERENTIAL", "matrix")}


@nox.session(python=pythons_for(MEASURED_CORE), allow_parallel=True)
def coverage(session: nox.Session) -> None:
    """Run the tests of plugins/ with all processes measured; fails if too little of plugins/ was executed."""
    skip_without_python(session, MEASURED_CORE)
    install_for_tests(session, MEASURED_CORE, "-r", "tests/requirements-coverage.txt")
    left_out = [f"--deselect={name}" for name in NOT_MEASURED]
    tests = [*tests_of(MEASURED_CORE), "tests/unit/plugins/module_utils"]
    arguments = session.posargs or [*PARALLEL_MEASURED, *left_out, *tests]
    session.run("python", "-m", "tools.measure", str(private_folder(session)), *arguments, env=scope())
    if not session.posargs:
        session.run("python", "-m", "pytest", *PARALLEL, *NOT_MEASURED)


def sanity_on_core(core: Core) -> None:
    """Define the session that runs ansible-test sanity of a release of ansible-core."""

    @nox.session(name=f"sanity-{core.release}", python=pythons_for(core), allow_parallel=True)
    def on_core(session: nox.Session) -> None:
        python = skip_without_python(session, core)
        session.install("--quiet", "-r", "tests/requirements-sanity.txt", f"ansible-core=={core.release}")
        ansible_test(session, "sanity", "--python", dotted(python), *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Make the files and the tarball of the release that is named, and try it; commits and publishes nothing."""
    session.install("--quiet", "-r", "tests/requirements-release.txt")
    session.run("python", "-m", "tools.release", *session.posargs)
    (version,) = session.posargs
    tarball = f"oncall-pagerduty-{version}.tar.gz"
    session.run(sys.executable, "-m", "nox", "--session", "smoke", "--", tarball, external=True)
    session.log(f"{tarball} is made and works. Nothing is committed or published yet. Read CHANGELOG.md, then:")
    session.log(f"  git add --all && git commit --message 'Release {version}' && git tag {version}")
    session.log(f"  git push --follow-tags && ansible-galaxy collection publish {tarball}")


@nox.session(venv_backend="none", requires=[f"smoke-{core.release}" for core in OLDEST_AND_NEWEST])
def smoke(session: nox.Session) -> None:
    """Try a tarball on the oldest and the newest ansible-core."""
    say_if_all_were_skipped(session, OLDEST_AND_NEWEST)


def smoke_on_core(core: Core) -> None:
    """Define the session that tries a tarball on a release of ansible-core."""

    @nox.session(name=f"smoke-{core.release}", python=pythons_for(core), allow_parallel=True)
    def on_core(session: nox.Session) -> None:
        skip_without_python(session, core)
        session.install("--quiet", "-c", "tests/constraints.txt", f"ansible-core=={core.release}", "requests")
        session.run("python", "-m", "tools.smoke", *session.posargs)


@nox.session
def ecosystem(session: nox.Session) -> None:
    """Try the built collection with ansible-runner, ansible-builder and galaxy-importer."""
    session.install("--quiet", "-r", "tests/requirements-ecosystem.txt")
    session.install("--quiet", GALAXY_IMPORTER)
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/ecosystem"]))


@nox.session(name="release-check")
def release_check(session: nox.Session) -> None:
    """Make a release in a clone of the last commit, and see what is refused."""
    session.install("--quiet", "-r", "tests/requirements-release.txt", "-r", "tests/requirements-pytest.txt")
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/release"]))


def session_on_target(python: interpreters.Version) -> None:
    """Define the session that runs module_utils' unit tests on a target's Python, with ansible-test on a newer one."""

    @nox.session(name=f"units-target-{dotted(python)}", python=pythons_for(TARGET_CORE), allow_parallel=True)
    def on_target(session: nox.Session) -> None:
        if python not in PYTHONS:
            leave_out(session, f"needs Python {dotted(python)}, which is not on this machine")
        skip_without_python(session, TARGET_CORE)
        session.install("--quiet", "-c", "tests/constraints.txt", f"ansible-core=={TARGET_CORE.release}")
        paths = session.posargs or ["tests/unit/plugins/module_utils/"]
        ansible_test(session, "units", "--venv", "--python", dotted(python), "--num-workers", "1", *paths)


for _core in CORES:
    if _core != MEASURED_CORE:
        session_on_core(_core)
    sanity_on_core(_core)
for _core in OLDEST_AND_NEWEST:
    smoke_on_core(_core)
for _python in TARGET_PYTHONS:
    session_on_target(_python)
