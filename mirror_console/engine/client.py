"""One client for one engine: the docker package's, without anything that it takes from the surroundings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from http.cookiejar import DefaultCookiePolicy
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import docker
import msgspec
import requests
import urllib3
from docker.auth import AuthConfig, encode_header

from mirror_console.engine.failures import Malformed, Refusal
from mirror_console.engine.transport import CONNECT_SECONDS, LARGEST_ANSWER, LARGEST_REPLY, OnePool, ask, read_whole

_HEADERS = {"User-Agent": "mirror-console", "Accept-Encoding": "identity"}


class _Message(msgspec.Struct):
    message: str


_decode_message = msgspec.json.Decoder(_Message).decode


class EngineClient(docker.APIClient):
    """Speaks to one engine through one pool. Every reply that isn't a success is raised as Refusal or Malformed.

    The package's own constructor isn't run: it reads the person's Docker configuration (headers, proxies and
    passwords that would go to every engine) and makes connections that follow the environment.
    """

    def __init__(self, base_url: str, pool: urllib3.HTTPConnectionPool, seconds: float) -> None:
        requests.Session.__init__(self)
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.update(_HEADERS)
        self._pool = pool
        self._custom_adapter = OnePool(pool)
        for adapter in self.adapters.values():
            adapter.close()
        self.adapters.clear()
        self.mount(base_url, self._custom_adapter)
        self.base_url = base_url
        self.seconds = seconds
        # Declared as whole seconds, but the package only adds to it and hands it on.
        self.timeout = seconds  # type: ignore[assignment]
        self._version = ""
        self._general_configs: dict[str, Any] = {}
        self._auth_configs = AuthConfig({})
        self._proxy_configs = None
        self.credstore_env = None

    def speak(self, version: str) -> None:
        """Use this API version from now on."""
        self._version = version

    def greet(self) -> requests.Response:
        """Ask without a version; the reply's headers tell what the engine offers."""
        return self.get(f"{self.base_url}/_ping", timeout=self.seconds)

    def introduce(self) -> requests.Response:
        """Ask without a version who answers, where the ping's headers didn't tell."""
        return self.get(f"{self.base_url}/version", timeout=self.seconds)

    def read(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 0.0,
    ) -> bytes:
        """The body of the reply to a GET about one thing."""
        return self._ask("GET", path, params, headers or {}, None, seconds or self.seconds)

    def read_all(self, path: str, params: Mapping[str, str | int] | None = None) -> bytes:
        """The body of the reply to a GET about as many things as there are, or of what somebody wrote."""
        return self._ask("GET", path, params, {}, None, self.seconds, LARGEST_REPLY)

    def begin(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str], seconds: float
    ) -> AbstractContextManager[requests.Response]:
        """A reply to a POST that is read while it comes. `seconds` is the longest silence."""
        return self.post(self._at(path), params=params, headers=headers, timeout=seconds, stream=True)

    def dial(self) -> Any:
        """A connection of its own, open, that is nobody's but the caller's: for a stream that is read without waiting.

        What is connected is a socket, or what serves as one; it is closed by the caller.
        """
        connection: Any = self._pool._new_conn()
        connection.timeout = min(CONNECT_SECONDS, self.seconds)
        connection.connect()
        # Else it would be closed with the connection that is forgotten here.
        line, connection.sock = connection.sock, None
        return line

    def borrow(self) -> Any:
        """As `dial`, but it counts among the connections that this engine may have at once; `give_back` it.

        The connection itself: what is connected is its `sock`.
        """
        connection: Any = self._pool._get_conn(timeout=self.seconds)
        try:
            # One that was idle may be dead, and nothing that is sent as a stream can be sent again.
            connection.close()
            connection.timeout = min(CONNECT_SECONDS, self.seconds)
            connection.connect()
        except BaseException:
            self.give_back(connection)
            raise
        return connection

    def give_back(self, connection: Any) -> None:
        """Close what was borrowed: the next one may have its place."""
        connection.close()
        self._pool._put_conn(connection)

    def change(
        self,
        path: str,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
        seconds: float = 0.0,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> bytes:
        """The body of the reply to a POST, of JSON where there is a `body`: a shorter way than the package's verbs."""
        if body is None:
            return self._ask("POST", path, params, headers, None, seconds or self.seconds)
        headers = {**headers, "Content-Type": "application/json"}
        return self._ask("POST", path, params, headers, msgspec.json.encode(body), seconds or self.seconds)

    def take_away(self, path: str, params: Mapping[str, str | int] | None = None) -> None:
        """A DELETE."""
        self._ask("DELETE", path, params, {}, None, self.seconds)

    def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
        most: int = LARGEST_ANSWER,
    ) -> bytes:
        query = f"?{urlencode(params)}" if params else ""
        target = f"/v{self._version}{path}{query}"
        status, content = ask(self._pool, method, target, {**_HEADERS, **headers}, body, seconds, most)
        demand_success(status, content)
        return content

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        """Send a request and take nothing but a success for an answer."""
        response = super().send(request, **{**more, "allow_redirects": False})
        if _is_success(response.status_code):
            return response
        if more.get("stream"):
            read_whole(response, self.seconds)
        with response:
            demand_success(response.status_code, response.content)
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere. The package would look at where a reply points, and read it to its end, before it isn't followed."""

    def _at(self, path: str) -> str:
        return f"{self.base_url}/v{self._version}{path}"


def _is_success(status: int) -> bool:
    return status < 300 or status == requests.codes.not_modified


def demand_success(status: int, body: bytes) -> None:
    """Raises Malformed or Refusal for any other status than a success."""
    if _is_success(status):
        return
    if status < 400:
        raise Malformed(f"status {status}: it points elsewhere")
    try:
        words = _decode_message(body).message
    except (msgspec.DecodeError, RecursionError):
        words = None
    raise Refusal(status, words)


def sign_in_header(user: str = "", password: str = "") -> dict[str, str]:
    """The header that tells an engine how to sign in to a registry: always there, or it would use what it keeps."""
    login = {"username": user, "password": password} if user or password else {}
    return {"X-Registry-Auth": encode_header(login).decode()}
