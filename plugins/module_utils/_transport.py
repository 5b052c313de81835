# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries one body to PagerDuty and brings one answer back, over HTTP. Knows nothing of retries or of events."""

from __future__ import annotations

import os
import socket
import ssl
import traceback
import warnings
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies

from ansible_collections.oncall.pagerduty.plugins.module_utils._bounded import BoundedCaller, OutOfTimeError
from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import (
    Connection,
    socks_problem,
    split_url,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import (
    MissingLibraryError,
    OptionError,
    TransportError,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import (
    mask,
    mask_url,
    mask_url_credentials,
    url_secrets,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._version import VERSION

try:
    import requests
    import requests.adapters
    import requests.utils
    import urllib3.exceptions
except ImportError:
    HAS_REQUESTS = False
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    HAS_REQUESTS = True
    REQUESTS_IMPORT_ERROR = None

USER_AGENT = f"oncall.pagerduty/{VERSION} (Ansible collection)"
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": USER_AGENT}

# PagerDuty's answers have some hundred bytes. Whatever is longer comes from something in between.
_MOST_ANSWER_BYTES = 64 * 1024
# How much longer than the socket's time-out a whole attempt may take before it is left behind.
_GRACE_SECONDS = 0.25


@dataclass(frozen=True)
class RawAnswer:
    """An HTTP answer: status code, headers by lower-case name, and the body or as much of it as came in time."""

    http_status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Makes exactly one POST for each call."""

    def post(self, path: str, body: bytes, timeout: float) -> RawAnswer:
        """Send a body to a path below the base URL and return the answer.

        Args:
            timeout: seconds for connecting, sending and reading the answer together.

        Raises:
            TransportError: if no answer came, or not in time.
        """

    def close(self) -> None:
        """Let go of the connection."""


class RequestsTransport:
    """The transport for use: keeps its connection, resolves proxies and certificates once, follows no redirect.

    The requests library sets the connections up, and they are driven as it drives them. What it adds for each request
    (cookies, redirects, .netrc, the environment read anew) costs more than the request itself, and is not wanted here.
    """

    def __init__(self, connection: Connection) -> None:
        """Prepare to connect; nothing is opened yet.

        Raises:
            MissingLibraryError: if there is no requests library.
            OptionError: if a certificate's file cannot be used, or a proxy of the environment.
        """
        if not HAS_REQUESTS:
            raise MissingLibraryError("requests", REQUESTS_IMPORT_ERROR)
        self._connection = connection
        self._verify = _verify(connection)
        self._cert = _cert(connection)
        self._proxies = _proxies(connection)
        self._secrets = [secret for proxy in self._proxies.values() for secret in url_secrets(proxy)]
        self._reset()

    def post(self, path: str, body: bytes, timeout: float) -> RawAnswer:
        if self._pid != os.getpid():
            # A connection that two processes write to mixes their requests.
            self._reset()
        line = self._line
        answer = _PartialAnswer()
        try:
            # The socket's own time-out is the better witness of what happened, so it gets to speak first.
            self._caller.call(lambda: self._exchange(line, path, body, timeout, answer), timeout + _GRACE_SECONDS)
        except OutOfTimeError:
            # The call left behind still uses the old line's connection.
            self._reset()
            if answer.http_status is None:
                raise _out_of_time(self._connection.base_url, timeout) from None
        return answer.taken()

    def close(self) -> None:
        self._caller.close()
        self._line.close()

    def _reset(self) -> None:
        self._line = _Line(self._connection.base_url, self._verify, self._cert, self._proxies)
        self._caller = BoundedCaller()
        self._pid = os.getpid()

    def _exchange(self, line: _Line, path: str, body: bytes, timeout: float, answer: _PartialAnswer) -> None:
        failure: TransportError | None = None
        try:
            response = line.post(path, body, timeout)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:  # those of requests are OSErrors
            failure = _explain(error, self._connection.base_url, timeout, self._secrets)
        if failure:
            # Not raised above: the library's error would come along as its context, with the request and the key in it.
            raise failure
        answer.read(response)


class _Line:
    """The connections to one PagerDuty, set up at the first use by the requests library's adapter.

    It knows how certificates and proxies are given to urllib3, in all versions of both.
    """

    def __init__(
        self, base_url: str, verify: bool | str, cert: str | tuple[str, str] | None, proxies: dict[str, str]
    ) -> None:
        self._base_url = base_url
        self._verify = verify
        self._cert = cert
        self._proxies = proxies
        self._adapter: Any = requests.adapters.HTTPAdapter()
        self._pool: Any = None
        self._prefix = ""

    def post(self, path: str, body: bytes, timeout: float) -> Any:
        """Send one request and return urllib3's response, its body not yet read."""
        if self._pool is None:
            self._set_up()
        return self._pool.request(
            "POST",
            self._prefix + path,
            body=body,
            headers=_HEADERS,
            timeout=timeout,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )

    def close(self) -> None:
        """Let go of the connections. The next use sets new ones up."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        self._adapter.close()

    def _set_up(self) -> None:
        request = requests.models.PreparedRequest()
        request.method, request.url = "POST", f"{self._base_url}/"
        if hasattr(self._adapter, "get_connection_with_tls_context"):
            pool = self._adapter.get_connection_with_tls_context(
                request, self._verify, proxies=self._proxies, cert=self._cert
            )
        else:  # before requests 2.32
            pool = self._adapter.get_connection(request.url, self._proxies)
        self._adapter.cert_verify(pool, request.url, self._verify, self._cert)
        # To a proxy that passes requests on, the whole URL is said.
        self._prefix = self._adapter.request_url(request, self._proxies)[: -len("/")]
        self._pool = pool


class _PartialAnswer:
    """An answer while it comes in.

    The status line alone says what became of the event. A body that breaks off, stalls or cannot be decompressed must
    not turn an accepted event into one that is sent again.
    """

    def __init__(self) -> None:
        self.http_status: int | None = None
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def read(self, response: Any) -> None:
        self._headers = {name.lower(): value for name, value in response.headers.items()}
        self.http_status = response.status
        try:
            for chunk in response.stream(16 * 1024, decode_content=True):
                self._body += chunk
                if len(self._body) >= _MOST_ANSWER_BYTES:
                    break
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            pass
        finally:
            response.close()

    def taken(self) -> RawAnswer:
        """Return what has come so far."""
        return RawAnswer(self.http_status or 0, self._headers, bytes(self._body))


def _verify(connection: Connection) -> bool | str:
    """Return what the requests library is to check certificates with: authorities of ours, its own, or nothing."""
    if not connection.validate_certs:
        # The user has decided; a warning for each event would hide what matters.
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
        return False
    if connection.ca_path:
        return _authorities("ca_path", connection.ca_path)
    environ = _environ(connection)
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if environ.get(variable):
            return _authorities(variable, environ[variable])
    # OpenSSL's own variable, which requests does not know. Set for other programs, it may name what is not there.
    path = environ.get("SSL_CERT_FILE")
    return _authorities("SSL_CERT_FILE", path) if path and os.path.isfile(path) else True


def _environ(connection: Connection) -> Mapping[str, str]:
    """Return the environment that counts: where the event was made, if that is another process."""
    return os.environ if connection.environment is None else dict(connection.environment)


def _authorities(option: str, path: str) -> str:
    """Return the path of certificates to trust, tried here: later it would look like a fault of the network."""
    _existing(option, path)
    try:
        if os.path.isfile(path):
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        raise OptionError(option, f"{path!r} holds no usable certificates ({_reason(error)})") from None
    return path


def _cert(connection: Connection) -> str | tuple[str, str] | None:
    """Return the client's certificate and key, tried here like the authorities'."""
    if not connection.client_cert:
        return None
    certificate = _existing("client_cert", connection.client_cert)
    key = _existing("client_key", connection.client_key) if connection.client_key else None
    try:
        # A password is not asked for: OpenSSL would do that on the terminal, and wait.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
    except OSError as error:
        files = f"{certificate!r} and {key!r} hold" if key else f"{certificate!r} holds"
        problem = f"{files} no usable certificate with its unencrypted key ({_reason(error)})"
        raise OptionError("client_cert", problem) from None
    return (certificate, key) if key else certificate


def _existing(option: str, path: str) -> str:
    if not os.path.exists(path):
        raise OptionError(option, f"there is no file {path!r} on the machine that sends")
    return path


def _proxies(connection: Connection) -> dict[str, str]:
    if connection.proxy:
        _check_socks("proxy", connection.proxy)
        return {"http": connection.proxy, "https": connection.proxy}
    scheme = urlsplit(connection.base_url).scheme
    found = _proxies_of_environment(connection)
    given = found.get(scheme) or found.get("all")
    if not given:
        return {}
    url = given if "://" in given else f"http://{given}"
    if split_url(url) is None:
        # Left to the library, its error would show the password.
        raise OptionError(f"{scheme}_proxy", f"{mask_url(given)!r} in the environment is no URL of a proxy")
    _check_socks(f"{scheme}_proxy in the environment", url)
    return {scheme: url}


def _check_socks(option: str, url: str) -> None:
    """Refuse a proxy whose protocol cannot be spoken here: sending would fail again and again, for no clear reason."""
    problem = socks_problem(url)
    if problem is not None:
        raise OptionError(option, problem)


def _proxies_of_environment(connection: Connection) -> Mapping[str, str]:
    if connection.environment is None:
        if not getproxies():
            return {}
        found: Mapping[str, str] = requests.utils.get_environ_proxies(connection.base_url, no_proxy=None)
        return found
    environ = _environ(connection)
    proxies = {name[: -len("_proxy")]: value for name, value in environ.items() if name.endswith("_proxy")}
    exceptions = proxies.pop("no", "")
    if not proxies or requests.utils.should_bypass_proxies(connection.base_url, no_proxy=exceptions):
        return {}
    return proxies


def _place(url: str) -> str:
    return urlsplit(url).netloc


def _out_of_time(url: str, timeout: float) -> TransportError:
    return TransportError(f"no answer from {_place(url)} within {timeout:.3g} s", maybe_taken=True)


def _explain(error: Exception, url: str, timeout: float, secrets: Iterable[str]) -> TransportError:
    """Turn an exception of the libraries into one line, and say whether the request may have arrived."""
    cause = _cause(error)
    reason = mask(_reason(cause), secrets)
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)  # up to urllib3 1.26 a kind of time-out
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError) and not refused:
        return TransportError(f"no connection to {_place(url)} within {timeout:.3g} s", maybe_taken=False)
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return _out_of_time(url, timeout)
    if isinstance(error, urllib3.exceptions.ProxyError):
        if not _was_connected(error) or _is_at_start(cause) or str(cause).startswith("Tunnel connection failed"):
            return TransportError(f"the proxy did not connect to {_place(url)}: {reason}", maybe_taken=False)
        # The tunnel may have stood, and the request may have gone through it.
        problem = f"the connection to {_place(url)} by the proxy broke before an answer came: {reason}"
        return TransportError(problem, maybe_taken=True)
    if isinstance(error, urllib3.exceptions.SSLError):
        # urllib3 before 2.0 compares names itself, and has an exception of its own for that.
        early = isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError"
        return TransportError(f"TLS with {_place(url)} failed: {reason}", maybe_taken=not early)
    if _is_at_start(cause) or not _was_connected(error):
        return TransportError(f"no connection to {_place(url)}: {reason}", maybe_taken=False)
    return TransportError(f"the connection to {_place(url)} broke before an answer came: {reason}", maybe_taken=True)


def _is_at_start(cause: BaseException) -> bool:
    return isinstance(cause, (ConnectionRefusedError, socket.gaierror))


def _was_connected(error: Exception) -> bool:
    """Say whether a connection stood when the error came. urllib3 names the errors of connecting by their class."""
    return not any(type(link).__name__ in _BEFORE_CONNECTING for link in _chain(error))


_BEFORE_CONNECTING = frozenset(
    {
        "NewConnectionError",
        "ConnectTimeoutError",
        "NameResolutionError",
        "LocationParseError",
        "InvalidURL",
        "InvalidSchema",
    }
)


def _chain(error: BaseException) -> list[BaseException]:
    """Follow an exception to what it wraps: urllib3 keeps that in reason, in args or as the cause."""
    chain = [error]
    while len(chain) < 10:
        last = chain[-1]
        wrapped = [getattr(last, "reason", None), *reversed(last.args), last.__cause__, last.__context__]
        inner = next((item for item in wrapped if isinstance(item, BaseException) and item not in chain), None)
        if inner is None:
            break
        chain.append(inner)
    return chain


def _cause(error: Exception) -> BaseException:
    """Return the operating system's own error where there is one, else the innermost of the library's."""
    chain = _chain(error)
    own = [link for link in chain if isinstance(link, OSError) and not isinstance(link, requests.RequestException)]
    return own[-1] if own else chain[-1]


def _reason(cause: BaseException) -> str:
    text = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or str(cause)
    return mask_url_credentials(" ".join(str(text).split())) or type(cause).__name__
