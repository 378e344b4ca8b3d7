"""Every place of every recorded reply, with something hostile in it: it is refused in our words, or fit to be shown."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from mirror_console.domain.drift import differences
from mirror_console.domain.environment import Settings
from mirror_console.engine import swarm, translate
from mirror_console.engine.failures import in_our_words
from mirror_console.errors import EngineError
from tests.engine.recorded import ENGINES, recorded
from tests.lab.faults import HOSTILE
from tests.plain_texts import not_plain

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, tzinfo=UTC)

VALUES: tuple[Any, ...] = (
    HOSTILE,
    "",
    "9" * 5000,
    f"{'9' * 5000}/tcp",
    "../../etc/passwd",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-11-20T22:36:14.580442818Z\n",
    2**63,
    -(2**70),
    1e308,
    True,
    None,
    [],
    [HOSTILE],
    {},
    {HOSTILE: HOSTILE},
    {f"{'9' * 5000}/tcp": [{"HostIp": HOSTILE, "HostPort": "9" * 5000}]},
    {HOSTILE: None},
)


IMAGE = translate.image(*translate.parse_image(recorded(ENGINES[0], "image-loaded").body))


def _container(body: bytes) -> Any:
    container = translate.container(translate.parse_container(body), None)
    return container, differences(Settings(), container, IMAGE)


READERS: Mapping[str, Callable[[bytes], Any]] = {
    "list": translate.listing,
    "container-unhealthy": _container,
    "image-pulled-by-tag-of-index": lambda body: translate.image(*translate.parse_image(body)),
    "distribution-ok": translate.resolved,
    "info": lambda body: translate.facts(b"{}", body, api="1.44", now=NOW),
    "version": lambda body: translate.facts(body, b"{}", api="1.44", now=NOW),
    "create": translate.created,
}


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Each place in a document: what it is in, and where there."""
    if isinstance(content, dict | list):
        for key, inner in list(content.items() if isinstance(content, dict) else enumerate(content)):
            yield content, key
            yield from _places(inner)


@pytest.mark.parametrize("engine", [ENGINES[0], ENGINES[-1]])
@pytest.mark.parametrize("case", READERS)
def test_whatever_stands_in_a_reply(engine: str, case: str) -> None:
    content = recorded(engine, case).content
    read = 0
    for within, place in _places(content):
        kept = within[place]
        for value in VALUES:
            within[place] = value
            try:
                with in_our_words("fra-1", "say it"):
                    told = READERS[case](json.dumps(content).encode())
            except EngineError as error:
                told = (error.title, error.hint, error.detail)
            assert not not_plain(told), (place, value)
            read += 1
        within[place] = kept
    assert read > len(VALUES)


SERVICE = {
    "ID": "k92mgr9gvpnhu58g1yilsyjs5",
    "Version": {"Index": 12},
    "CreatedAt": "2026-11-27T09:12:28.452178372Z",
    "Spec": {
        "Name": "shop",
        "Labels": {"a": "b"},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "shop",
                "Labels": {"a": "b"},
                "Env": ["A=1"],
                "StopGracePeriod": 1,
                "Args": ["a"],
            },
            "Resources": {"Limits": {"NanoCPUs": 1, "MemoryBytes": 1, "Pids": 1}},
            "Networks": [{"Target": "n"}],
        },
        "Mode": {"Replicated": {"Replicas": 2}},
        "UpdateConfig": {"Parallelism": 1, "Delay": 1, "Order": "start-first"},
    },
    "PreviousSpec": {"Name": "shop", "TaskTemplate": {"ContainerSpec": {"Image": "shop"}}},
    "UpdateStatus": {"State": "completed", "Message": "update completed"},
}
TASK = {
    "ID": "j7uv8c2fgflbm6u752pujsnaj",
    "ServiceID": "k92mgr9gvpnhu58g1yilsyjs5",
    "Slot": 1,
    "NodeID": "yap4vi5088d5o4lz3n776u15c",
    "Spec": {"ContainerSpec": {"Image": "shop", "Labels": {"io.mirrorconsole.rollout": "r1"}}},
    "Status": {
        "Timestamp": "2026-11-27T09:12:29.880380461Z",
        "State": "failed",
        "Err": "it failed",
        "ContainerStatus": {"ContainerID": "c" * 64, "ExitCode": 3},
    },
    "DesiredState": "shutdown",
}
CONFIG = {"ID": "ko85fsdvwq4su23xmzk03sn61", "Version": {"Index": 1}, "Spec": {"Name": "mc-lock.shop", "Labels": {}}}


@pytest.mark.parametrize(
    ("told", "reader"), [(SERVICE, swarm.services), (TASK, swarm.tasks), (CONFIG, swarm.configs)], ids=lambda one: ""
)
def test_whatever_stands_in_a_reply_about_a_swarm(told: Any, reader: Callable[[bytes], Any]) -> None:
    content = [copy.deepcopy(told)]
    for within, place in _places(content):
        kept = within[place]
        for value in VALUES:
            within[place] = value
            try:
                with in_our_words("fra-1", "say it"):
                    found = reader(json.dumps(content).encode())
            except EngineError as error:
                found = (error.title, error.hint, error.detail)
            assert not not_plain(found), (place, value)
        within[place] = kept
