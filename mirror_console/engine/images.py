"""The verbs of one engine for images: look, pull, give away, take in, name and remove."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from mirror_console.domain.fetching import SILENCE, no_answer, nothing_came
from mirror_console.domain.image import Image, ImageReference, parse_reference
from mirror_console.domain.plain import clean
from mirror_console.domain.request import ListedImage, PullProgress, RegistryLogin, Resolved
from mirror_console.engine import podman, replies, streams, translate
from mirror_console.engine.asking import Asking, unfit
from mirror_console.engine.client import EngineClient, sign_in_header
from mirror_console.engine.failures import said_nothing
from mirror_console.engine.image_streams import Loading, Saving
from mirror_console.engine.transport import pieces
from mirror_console.errors import EngineError, FailureKind, InvalidInput

REGISTRY_SECONDS = 30.0
"""At least as long is waited where the engine asks a registry first."""
LAST_IMAGES = 512


class ImageVerbs(Asking):
    """Every call raises EngineError. Reads are asked a second time where the connection broke; changes never."""

    def image(self, image: str) -> Image | None:
        """By id or reference. None where the engine hasn't got it."""
        found = self._image(image)
        if found is None:
            return None
        with self._words("show an image"):
            return translate.image(*found)

    def resolve(self, reference: str, login: RegistryLogin | None) -> Resolved:
        """Ask the registry through the engine, without pulling. REJECTED by Podman.

        STALLED where the engine answers, and the registry doesn't answer it.
        """
        path = f"/distribution/{_image_path(reference)}/json"
        seconds = max(self._engine.timeout, REGISTRY_SECONDS)
        doing = f"look up {clean(reference)}"
        try:
            with self._lacking(f"{doing} in its registry"):
                return self._read(
                    doing,
                    lambda client: translate.resolved(client.read(path, headers=_sign_in(login), seconds=seconds)),
                    registry=True,
                )
        except EngineError as error:
            if error.kind is not FailureKind.TIMEOUT:
                raise
            # An engine that hangs itself says nothing to this either, and that is told then.
            self._read("answer", lambda client: client.read("/version"))
            raise no_answer(self._engine.name, clean(reference), seconds) from error

    def pull(
        self,
        reference: str,
        login: RegistryLogin | None,
        report: Callable[[PullProgress], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Pull to the end of the stream. An error in it is raised; returns early where `stopped` says so.

        That the image is there afterwards is proved by looking at it, not by this.
        """
        seconds = max(self._engine.timeout, SILENCE)
        try:
            with self._words(f"pull {clean(reference)}", registry=True):
                self._pull(reference, login, report, stopped, seconds)
        except EngineError as error:
            if error.kind is FailureKind.TIMEOUT and said_nothing(error):
                raise nothing_came(self._engine.name, clean(reference), seconds) from error
            raise

    def _pull(
        self,
        reference: str,
        login: RegistryLogin | None,
        report: Callable[[PullProgress], None],
        stopped: Callable[[], bool],
        seconds: float,
    ) -> None:
        wanted = _reference(reference)
        asked = {"fromImage": wanted.repository, "tag": wanted.digest or wanted.tag or "latest"}
        pull = streams.Pull()
        with self._link.streams.begin("/images/create", asked, _sign_in(login), seconds) as response:
            for line in streams.lines(_until(stopped, pieces(response))):
                if stopped():
                    return
                report(pull.read(line))

    def images(self) -> list[ListedImage]:
        """All images, with a name or without one, in one request. Not what only builds made on the way."""
        return self._read("list its images", lambda client: translate.images(client.read_all("/images/json")))

    @contextmanager
    def save(self, image: str) -> Iterator[Saving]:
        """An image as an archive, by id or reference: iterate over it. Without names where it is asked for by id.

        IMAGE_NOT_FOUND, told when it is read, where the engine hasn't got it.
        """
        saving = Saving(self._engine.name, self._link.streams, self._link.api, _image_path(image), _shown(image))
        try:
            yield saving
        finally:
            saving.let_go()

    @contextmanager
    def load(self) -> Iterator[Loading]:
        """Take an image in: `send` each piece of an archive, then `finish`. Left before that, nothing was taken in."""
        loading = Loading(self._engine.name, self._link.streams, self._link.api)
        try:
            yield loading
        finally:
            loading.let_go()

    def tag(self, image_id: str, reference: str) -> None:
        """Give an image a name. It is taken from the image that has it: look before. IMAGE_NOT_FOUND without one."""
        wanted = _reference(reference)
        if not translate.IMAGE_ID.fullmatch(image_id):
            raise unfit("the id of an image", image_id)
        if wanted.digest:
            raise unfit("a name for an image", reference)
        with self._words(f"name the image {clean(reference)}"):
            asked = {"repo": wanted.repository, "tag": wanted.tag or "latest"}
            self._link.calls.change(f"/images/{image_id}/tag", params=asked)

    def remove_image(self, image: str) -> None:
        """Take a name away, and the image with its last one; by id only one with one name. That it isn't there is fine.

        CONFLICT where a container uses it, running or not, or where it has more names. What it was built on stays.
        """
        try:
            with self._words(f"remove the image {_shown(image)}"):
                self._link.calls.take_away(f"/images/{_image_path(image)}", {"force": 0, "noprune": 1})
        except EngineError as error:
            if error.kind is FailureKind.CONFLICT:
                hint = "It stays as long as a container, running or not, or another name needs it."
                raise EngineError(error.kind, error.title, hint, detail=error.detail) from error
            if error.kind not in {FailureKind.NOT_FOUND, FailureKind.IMAGE_NOT_FOUND}:
                raise

    # --- parts ----------------------------------------------------------------------------------------------------

    def _image(self, image: str) -> translate.ReadImage | None:
        path = f"/images/{_image_path(image)}/json"
        found = self._found("show an image", lambda client: self._parsed_image(client, path))
        if found is not None:
            configs = self._link.image_configs
            if len(configs) >= LAST_IMAGES:
                configs.clear()
            configs[found[0].id] = found[0].config or replies.ImageConfig()
        return found

    def _parsed_image(self, client: EngineClient, path: str) -> translate.ReadImage:
        reply = client.read(path)
        return (
            podman.parse_image(reply, client.read(f"/libpod{path}"))
            if self._is_podman
            else translate.parse_image(reply)
        )

    def _given(self, image_id: str) -> replies.ImageConfig | None:
        """What an image gives to its containers; None where it isn't there any more."""
        if image_id not in self._link.image_configs and translate.IMAGE_ID.fullmatch(image_id):
            self._image(image_id)
        return self._link.image_configs.get(image_id)


def _until(stopped: Callable[[], bool], coming: Iterable[bytes]) -> Iterator[bytes]:
    """What comes, until nobody wants it any more: there may be no line in it for ever."""
    for piece in coming:
        yield piece
        if stopped():
            return


def _reference(text: str) -> ImageReference:
    try:
        return parse_reference(text)
    except InvalidInput as error:
        raise unfit("an image reference", text) from error


def _image_path(text: str) -> str:
    """An id as it is; a reference as far as it could be read, so that nothing else gets into a path."""
    return text if translate.IMAGE_ID.fullmatch(text) else str(_reference(text))


def _shown(image: str) -> str:
    return clean(image.removeprefix("sha256:")[:12] if image.startswith("sha256:") else image)


def _sign_in(login: RegistryLogin | None) -> dict[str, str]:
    return sign_in_header(login.user, login.password.reveal()) if login else sign_in_header()
