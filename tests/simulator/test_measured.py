"""The simulator answers a long story of requests as Docker 20.10.24 answered it: statuses, words, shapes."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.images import Image, ImageRecipe, build_image

STORY = [
    json.loads(line) for line in (Path(__file__).parent / "measured/docker-20.10.24.jsonl").read_text().splitlines()
]
RECORDED = {step["name"]: step for step in STORY}

OWN_DIGITS = {"img-delete-used"}
"""Steps whose words name an image's or a container's id of that engine."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def replay(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ask everything in order; ids in the replies are replaced by the names under which the story keeps them."""
    ids: dict[str, str] = {}
    connection = _Connection(str(path))
    for step in STORY:
        target = step["request"]["path"]
        for name, kept in ids.items():
            target = target.replace("{" + name + "}", kept)
        body = json.dumps(step["request"]["body"]) if "body" in step["request"] else None
        connection.request(step["request"]["method"], target, body)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        if "saves_id_as" in step:
            ids[step["saves_id_as"]] = json.loads(text)["Id"]
        for name, kept in ids.items():
            text = text.replace(kept, f"<{name}>").replace(kept[:12], f"<{name}~>")
        reply = json.loads(text) if text.startswith(("{", "[")) else text
        yield step["name"], {"status": response.status, "type": response.getheader("Content-Type", ""), "reply": reply}
        if response.will_close:
            connection.close()
    connection.close()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    recipe = ImageRecipe("probe", "1", "c0ffee")
    built = build_image(recipe, "linux/amd64", datetime(2026, 9, 1, tzinfo=UTC)).blob
    config = {**built["config"], "Cmd": ["/bin/busybox", "sleep", "1000"], "StopSignal": "SIGKILL"}
    config["Labels"] = {"org.opencontainers.image.version": "1"}
    place = tmp_path_factory.mktemp("e", numbered=True) / "s"
    with SimulatedEngine("probe", lambda: datetime(2026, 9, 1, tzinfo=UTC), socket_path=place) as engine:
        engine.add_image("shop/probe:1", Image({**built, "config": config}))
        return dict(replay(place))


def test_status_and_type_are_the_engines(answers: dict[str, dict[str, Any]]) -> None:
    def shown(steps: dict[str, dict[str, Any]]) -> dict[str, tuple[int, str]]:
        return {name: (steps[name]["status"], steps[name]["type"]) for name in RECORDED}

    assert shown(answers) == shown(RECORDED)


def test_words_of_refusals_are_the_engines(answers: dict[str, dict[str, Any]]) -> None:
    refused = [name for name, step in RECORDED.items() if step["status"] >= 400 and name not in OWN_DIGITS]

    def shown(steps: dict[str, dict[str, Any]]) -> dict[str, str]:
        own_id = re.compile(r"\([0-9a-f]{64}\)")
        return {name: own_id.sub("(endpoint)", json.dumps(steps[name]["reply"])) for name in refused}

    assert len(refused) > 50
    assert shown(answers) == shown(RECORDED)


def test_shapes_of_replies_are_the_engines(answers: dict[str, dict[str, Any]]) -> None:
    found = {
        name: list(differences(step["reply"], answers[name]["reply"]))
        for name, step in RECORDED.items()
        if step["status"] < 300
    }

    assert len(found) > 60
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def differences(recorded: Any, answered: Any, at: str = "") -> Iterator[str]:
    """Where keys or kinds of values differ; of lists the first entries are compared."""
    if isinstance(recorded, dict) and isinstance(answered, dict):
        yield from (f"{at}.{key} is missing" for key in recorded.keys() - answered.keys())
        yield from (f"{at}.{key} is not the engine's" for key in answered.keys() - recorded.keys())
        for key in recorded.keys() & answered.keys():
            yield from differences(recorded[key], answered[key], f"{at}.{key}")
    elif isinstance(recorded, list) and isinstance(answered, list):
        if bool(recorded) != bool(answered):
            yield f"{at} has {len(answered)} entries, the engine's has {len(recorded)}"
        elif recorded:
            yield from differences(recorded[0], answered[0], f"{at}[0]")
    elif type(recorded) is not type(answered):
        yield f"{at} is {answered!r}, the engine's is {recorded!r}"


def test_the_comparison_finds_differences() -> None:
    found = list(differences({"a": 1, "b": [1], "c": None}, {"a": "1", "b": [], "d": 1}))

    assert len(found) == 4
