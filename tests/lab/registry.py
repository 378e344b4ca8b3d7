"""A registry with a password, on an address that every engine of the lab reaches; plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
import signal
from pathlib import Path

from tests.lab.network import LabNetwork
from tests.lab.processes import Process, start, tail, until
from tests.lab.programs import LabError, run

PORT = 5000
USER = "agency"


class LabRegistry:
    """Debian's docker-registry with its own folder, one user and a password made for this lab."""

    def __init__(self, *, network: LabNetwork, folder: Path) -> None:
        self._network = network
        self.folder = folder

    @property
    def address(self) -> str:
        """Host and port, as in image references."""
        return f"{self._network.address(2)}:{PORT}"

    @property
    def user(self) -> str:
        """The name of its one user."""
        return USER

    @property
    def password(self) -> str:
        """That user's password."""
        return (self.folder / "password").read_text()

    @property
    def login(self) -> dict[str, str]:
        """That user's name and password, as engines are given them."""
        return {"username": self.user, "password": self.password}

    @property
    def docker_config(self) -> Path:
        """A configuration folder for the docker command line that knows the password (and nothing else)."""
        return self.folder / "docker-config"

    def install(self) -> None:
        """Make its folder, settings and password; once, before the first start."""
        self.folder.mkdir(mode=0o700)
        self.docker_config.mkdir(mode=0o700)
        password = secrets.token_urlsafe(18)
        _write_private(self.folder / "password", password)
        entry = run(["htpasswd", "-inB", "-C", "5", USER], feed=password).stdout.strip()
        _write_private(self.folder / "htpasswd", f"{entry}\n")
        token = base64.b64encode(f"{USER}:{password}".encode()).decode()
        _write_private(self.docker_config / "config.json", json.dumps({"auths": {self.address: {"auth": token}}}))
        settings = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "storage")}, "delete": {"enabled": True}},
            "http": {"addr": self.address},
            "auth": {"htpasswd": {"realm": "lab", "path": str(self.folder / "htpasswd")}},
        }
        # JSON is YAML, which is what it reads.
        (self.folder / "config.yml").write_text(json.dumps(settings, indent=1))

    def start(self) -> None:
        """Start it unless it runs, and wait until it answers."""
        if self.running():
            return
        log = self.folder / "registry.log"
        command = ["docker-registry", "serve", str(self.folder / "config.yml")]
        process = start([*self._network.inside(), *command], log=log)
        process.record(self._record)
        until(self.answers, process, "The registry", log)

    def stop(self) -> None:
        """Stop it: the address then refuses connections."""
        process = Process.recorded(self._record)
        if process is not None and process.signal(signal.SIGTERM) and not process.ended(10.0):
            raise LabError(f"The registry doesn't stop: {tail(self.folder / 'registry.log')}")

    def running(self) -> bool:
        """Whether it runs."""
        process = Process.recorded(self._record)
        return process is not None and process.alive()

    def answers(self) -> bool:
        """Whether it asks for a password, as it should."""
        return self._ask("GET", "/v2/", password=None)[0] == http.HTTPStatus.UNAUTHORIZED

    def repositories(self) -> list[str]:
        """The names of its repositories."""
        status, body = self._ask("GET", "/v2/_catalog?n=1000", password=self.password)
        return list(json.loads(body)["repositories"]) if status == http.HTTPStatus.OK else []

    def tags(self, repository: str) -> list[str]:
        """The tags of one repository, sorted; none when there is no such repository."""
        status, body = self._ask("GET", f"/v2/{repository}/tags/list", password=self.password)
        return sorted(json.loads(body)["tags"] or []) if status == http.HTTPStatus.OK else []

    def check_password(self, password: str) -> bool:
        """Whether it takes this password."""
        return self._ask("GET", "/v2/", password=password)[0] == http.HTTPStatus.OK

    @property
    def _record(self) -> Path:
        return self.folder / "registry.process"

    def put_blob(self, repository: str, content: bytes) -> str:
        """Keep a blob in a repository, if it isn't there; returns its digest. Raises LabError."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if self._send("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == http.HTTPStatus.OK:
            return digest
        begun, where = self._send("POST", f"/v2/{repository}/blobs/uploads/")
        path = f"{where.removeprefix(f'http://{self.address}')}&digest={digest}"
        ended = self._send("PUT", path, content, "application/octet-stream")[0] if where else begun
        if ended != http.HTTPStatus.CREATED:
            raise LabError(f"The registry didn't take a blob of {repository}: it said {ended}.")
        return digest

    def put_manifest(self, repository: str, tag: str, content: bytes, kind: str) -> str:
        """Keep a manifest, or an index of several, under a tag or its own digest; returns its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        status, _ = self._send("PUT", f"/v2/{repository}/manifests/{tag or digest}", content, kind)
        if status != http.HTTPStatus.CREATED:
            raise LabError(f"The registry didn't take a manifest of {repository}: it said {status}.")
        return digest

    def _send(self, method: str, path: str, content: bytes = b"", kind: str = "") -> tuple[int, str]:
        """Status, and where to go on."""
        connection = http.client.HTTPConnection(self._network.address(2), PORT, timeout=30.0)
        token = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", **({"Content-Type": kind} if kind else {})}
        try:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("Location", "")
        finally:
            connection.close()

    def _ask(self, method: str, path: str, *, password: str | None) -> tuple[int, bytes]:
        """Status and body; status 0 when nobody answers."""
        connection = http.client.HTTPConnection(self._network.address(2), PORT, timeout=5.0)
        headers = {}
        if password is not None:
            token = base64.b64encode(f"{USER}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {token}"
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


def _write_private(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
