"""Makes plays: an old container on an engine, and a catalog that knows of it. All of it is taken away at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from tests.campaign_parts import asked, spill
from tests.campaign_parts.checker import Case
from tests.campaign_parts.inside import Orders, Scene
from tests.campaign_parts.play import START, Play, Point, Role
from tests.campaign_parts.world import EDGE, Image, Stage, World
from tests.catalogs import opened_catalog
from tests.journeys.starter import ORDERS
from tests.lab.asking import ask

MEMORY, MORE_MEMORY = 64 * 1024 * 1024, 96 * 1024 * 1024


@contextmanager
def played(
    world: World,
    stage: Stage,
    point: Point,
    role: Role,
    *,
    engine: str = "",
    change: Callable[[Case], Case] = lambda case: case,
    image: Image | None = None,
    login: tuple[str, ...] = (),
) -> Iterator[Play]:
    """A play with its old container and a filled catalog, taken away at the end.

    `engine` is another address of its engine, `image` another release than its role says, with the `login` for its
    registry. One with a secret is reached by TLS where its engine is; then its key is a secret, too.
    """
    port = world.port()
    name = f"p{port}"
    home = world.folder / name
    home.mkdir(mode=0o700)
    image = image or stage.images[role.goal]
    by_tls = role.secret and stage.engine.spec.tls
    token = f"campaign-secret-{point.dice.getrandbits(96):x}" if role.secret else ""
    scene = Scene(
        str(home),
        engine or (stage.engine.tls_url if by_tls else stage.engine.unix_url),
        name,
        port,
        image.reference,
        image.fingerprint,
        image.version,
        role.policy,
        role.bridge,
        edge=EDGE if role.beside else "",
        secret=token,
        pem=str(stage.engine.client_folder) if by_tls else "",
        login=login,
        **({"memory": MEMORY} if role.in_place else {}) | role.scene,
    )
    old = old_container(stage, role, scene)
    case = Case(
        stage.engine.socket,
        name,
        (stage.engine.host, port),
        role.policy,
        old,
        image.id,
        (home / "catalog.sqlite",),
        asked.engine_time(stage.engine.socket),
        stage.bystanders,
        scene.variables | ({"TOKEN": token} if token else {}),
        command=f"mc-rel.{scene.identity[:8]}." if scene.command else "",
        route=(stage.edge, EDGE, scene.alias) if role.beside else None,
    )
    keyring = world.keyring().environment if token or login else {}
    play = Play(world, stage, point, role, scene, world.program(home, keyring), change(case), point.dice)
    play.secrets = (*filter(None, (token, *login[1:])), *((spill.of_key(stage.engine.client.key),) if by_tls else ()))
    try:
        opened_catalog(home / "catalog.sqlite").close()
        prepare(play, scene)
        if role.in_place:
            _bring_and_adjust(play)
        yield play
    finally:
        play.tidy()


def prepare(play: Play, scene: Scene) -> None:
    """Fill a scene's catalog, in a process of its own."""
    orders = Orders(prepare=asdict(scene)).text()
    program = play.program.but(home=Path(scene.home), keyring={**play.program.keyring, ORDERS: orders})
    program.run("status")


def _bring_and_adjust(play: Play) -> None:
    """Bring the release, and give the environment more memory than its container got: that waits for a rollout."""
    play.program.run(*START, "--bake", "0", "--json")
    orders = Orders(adjust=asdict(replace(play.scene, memory=MORE_MEMORY))).text()
    play.program.but(keyring={**play.program.keyring, ORDERS: orders}).run("status")
    engine = play.case.engine
    old = asked.inspected(engine, play.scene.container)
    since = asked.engine_time(engine)
    play.case = replace(play.case, old=old, since=since, memory=MORE_MEMORY, way_back_may_go=True)


def old_container(
    stage: Stage, role: Role, scene: Scene, labelled: Mapping[str, str] | None = None
) -> asked.Inspected | None:
    """Make and start the container that serves before the console comes; None where there is to be none."""
    if role.old is None:
        return None
    image = stage.images[role.old]
    name, labels = scene.container, {"io.mirrorconsole.env": scene.identity}
    host: dict[str, object] = {"RestartPolicy": {"Name": role.policy}, "NetworkMode": "host"}
    body: dict[str, object] = {"Image": image.tag, "Env": [f"PORT={scene.port}"], "HostConfig": host}
    if role.bridge:
        bound = {"8080/tcp": [{"HostPort": str(scene.port)}]}
        body = {"Image": image.tag, "HostConfig": {"RestartPolicy": {"Name": role.policy}, "PortBindings": bound}}
    if role.beside:
        host = {"RestartPolicy": {"Name": role.policy}, "NetworkMode": EDGE, "PortBindings": {"8080/tcp": [{}]}}
        place = {"EndpointsConfig": {EDGE: {"Aliases": [scene.alias]}}}
        body = {"Image": image.tag, "HostConfig": host, "NetworkingConfig": place}
    if labelled:
        body["Labels"] = dict(labelled)
    made = ask(stage.engine.socket, "POST", f"/containers/create?name={name}", body)
    ask(stage.engine.socket, "POST", f"/containers/{made['Id']}/start")
    if role.kept:
        kept: dict[str, object] = {"Image": image.tag, "Labels": labels, "HostConfig": {"NetworkMode": "none"}}
        ask(stage.engine.socket, "POST", f"/containers/create?name={name}.mc-prev", kept)
    # The engine writes down a moment later that its policy counts from here.
    return asked.inspected(stage.engine.socket, made["Id"])
