"""The simulated registry that engines pull from: repositories, tags, a name and a password."""

import base64
import binascii
import threading
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.images import Image, ImageIndex, ImageRecipe, build_image
from mirror_console.simulator.references import Reference
from mirror_console.simulator.wire import Clock

PLATFORMS = ("linux/amd64", "linux/arm64")


class Trouble(StrEnum):
    """Why the registry gave nothing."""

    DOWN = "down"
    NO_LOGIN = "no login"
    BAD_LOGIN = "bad login"
    MISSING = "missing"
    REFUSED = "refused"


class RegistryTrouble(Exception):
    """The registry gave nothing; `words` are the engine's for it."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        super().__init__(words)
        self.trouble = trouble
        self.words = words


@dataclass(frozen=True, slots=True)
class Login:
    """Name and password as they came in X-Registry-Auth; both empty means anonymous."""

    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class PublishedRelease:
    """What a publication made: the digest to pull, and the image for each platform."""

    repository: str
    tag: str
    version: str
    revision: str
    index: ImageIndex

    @property
    def digest(self) -> str:
        """The digest of the index, which a tag resolves to."""
        return self.index.digest


class SimulatedRegistry:
    """One registry, shared by the engines of a fleet. Every method may be called from any thread."""

    def __init__(self, host: str, clock: Clock, username: str = "", password: str = "") -> None:
        self.host = host
        self.reachable = True
        self._refusal = ("", 0)
        self._clock = clock
        self._login = Login(username, password)
        self._lock = threading.Lock()
        self._tags: dict[tuple[str, str], str] = {}
        self._contents: dict[tuple[str, str], ImageIndex | Image] = {}

    def publish(
        self,
        repository: str,
        tag: str,
        version: str,
        revision: str,
        *,
        behaviour: Behaviour = Behaviour.OK,
        health_interval: float = 1.0,
        platforms: tuple[str, ...] = PLATFORMS,
    ) -> PublishedRelease:
        """Build a release and let the tag point to it. The repository is named without the registry's host."""
        recipe = ImageRecipe(repository, version, revision, behaviour, health_interval)
        now = self._clock()
        index = ImageIndex(tuple(build_image(recipe, platform, now) for platform in platforms))
        with self._lock:
            self._contents[repository, index.digest] = index
            for image in index.images:
                self._contents[repository, image.manifest_digest] = image
            self._tags[repository, tag] = index.digest
        return PublishedRelease(f"{self.host}/{repository}", tag, version, revision, index)

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Let the tag point to a digest that was published. Raises KeyError when it wasn't."""
        with self._lock:
            self._contents[repository, digest]
            self._tags[repository, tag] = digest

    def delete_tag(self, repository: str, tag: str) -> None:
        """Take the tag away; its content stays, by digest."""
        with self._lock:
            self._tags.pop((repository, tag), None)

    def delete(self, repository: str, digest: str) -> None:
        """Take content away, as who cleans a registry up does."""
        with self._lock:
            self._contents.pop((repository, digest), None)

    def make_unreachable(self) -> None:
        """Refuse every connection from now on."""
        self.reachable = False

    def make_reachable(self) -> None:
        """Answer again."""
        self.reachable = True

    def refuse(self, words: str, times: int = 1_000_000) -> None:
        """The next `times` that something is asked, engines say so of what the registry answers."""
        with self._lock:
            self._refusal = (words, times)

    def find(self, reference: Reference, login: Login) -> tuple[str, ImageIndex | Image]:
        """The digest and the content that the reference stands for. Raises RegistryTrouble."""
        if not self.reachable:
            words = f'Get "http://{self.host}/v2/": dial tcp {self.host}: connect: connection refused'
            raise RegistryTrouble(Trouble.DOWN, words)
        with self._lock:
            words, left = self._refusal
            if left:
                self._refusal = (words, left - 1)
                raise RegistryTrouble(Trouble.REFUSED, words)
        if self._login.username and login != self._login:
            raise self._refused_login(reference, login)
        with self._lock:
            digest = reference.digest or self._tags.get((reference.path, reference.tag or "latest"), "")
            content = self._contents.get((reference.path, digest))
        if content is None:
            raise RegistryTrouble(Trouble.MISSING, "manifest unknown: manifest unknown")
        return digest, content

    def _refused_login(self, reference: Reference, login: Login) -> RegistryTrouble:
        if login == Login():
            place = f"http://{self.host}/v2/{reference.path}/manifests/{reference.digest or reference.tag or 'latest'}"
            return RegistryTrouble(Trouble.NO_LOGIN, f'Head "{place}": no basic auth credentials')
        return RegistryTrouble(Trouble.BAD_LOGIN, "unauthorized: authentication required")


def read_login(header: str) -> Login:
    """Name and password from an X-Registry-Auth header; anonymous when it is empty or doesn't parse."""
    try:
        content = msgspec.json.decode(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, msgspec.DecodeError):
        return Login()
    if not isinstance(content, dict):
        return Login()
    return Login(str(content.get("username") or ""), str(content.get("password") or ""))


def write_login(login: Login) -> str:
    """The header in which a name and a password come."""
    content = {"username": login.username, "password": login.password}
    return base64.urlsafe_b64encode(msgspec.json.encode(content)).decode()
