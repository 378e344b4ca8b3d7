"""Docker Hub is a registry like any other, though references to it name none: simulated, for nothing is reached."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.image import parse_reference
from mirror_console.domain.secret import Secret
from mirror_console.errors import EngineError, InvalidInput
from mirror_console.operations import engines as desk
from mirror_console.operations.console import Console
from mirror_console.operations.engines import RegistryInput
from mirror_console.operations.imports import import_catalog
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.simulator.registry import Login
from tests.operations.desk import empty_console
from tests.operations.fleet import now

IMAGE = "shop/webshop:26.8.3"


@dataclass(frozen=True, slots=True)
class Hub:
    """A console and an engine whose references without a host lead to a registry with a password."""

    console: Console
    session: EngineSession
    digest: str

    def pull(self) -> None:
        """Pull the image as a swap does: with the login of what its reference names."""
        login = self.console.login(parse_reference(IMAGE).registry)
        self.session.pull(IMAGE, login, lambda _progress: None, lambda: False)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    login = Login("agency", "hub-password")
    with (
        tempfile.TemporaryDirectory(prefix="mc-") as folder,
        SimulatedFleet(Path(folder), ["alpha"], now, registry_host="docker.io", login=login) as fleet,
        empty_console(tmp_path) as console,
    ):
        release = fleet.registry.publish("shop/webshop", "26.8.3", "26.8.3", "rev-1")
        engine = Engine("alpha", "alpha", parse_address(fleet.engines["alpha"].address))
        yield Hub(console, console.engines.session(engine), release.digest)


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io"])
def test_an_image_without_a_host_is_pulled_with_the_password_of_docker_hub(hub: Hub, name: str) -> None:
    with pytest.raises(EngineError):
        hub.pull()
    saved = desk.save_registry(hub.console, RegistryInput(name, "agency", Secret("hub-password")))
    assert saved.host == "docker.io"
    assert hub.session.resolve(IMAGE, hub.console.login("")).digest == hub.digest
    hub.pull()
    image = hub.session.image(IMAGE)
    assert image is not None
    assert image.digest_in(parse_reference("docker.io/shop/webshop").repository) == hub.digest


def test_it_is_one_registry_under_all_its_names(hub: Hub) -> None:
    desk.save_registry(hub.console, RegistryInput("docker.io", "agency", Secret("hub-password")))
    with pytest.raises(InvalidInput, match="not saved"):
        desk.save_registry(hub.console, RegistryInput("index.docker.io", "agency", Secret("x")))
    import_catalog(hub.console, "registries: [{host: index.docker.io, user: robot}]", None)
    with hub.console.catalog.read() as books:
        assert [(one.host, one.user) for one in books.registries.all()] == [("docker.io", "robot")]
