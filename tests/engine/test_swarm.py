"""What a manager tells is read, or refused; what is sent to it is what it told, with the change in it."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest

from mirror_console.domain.environment import Limits, Settings
from mirror_console.domain.secret import Secret
from mirror_console.domain.swarm import ServiceChange, UpdateState
from mirror_console.engine import swarm
from mirror_console.engine.failures import Malformed, Oversized
from mirror_console.engine.swarm_bodies import updated_spec

ID = "k92mgr9gvpnhu58g1yilsyjs5"
IMAGE = "registry.example/shop:1.0@sha256:" + "1" * 64
NEXT = "registry.example/shop@sha256:" + "2" * 64
SPEC: dict[str, Any] = {
    "Name": "shop",
    "Labels": {"com.docker.stack.namespace": "web", "io.mirrorconsole.rollout": "r0"},
    "TaskTemplate": {
        "ContainerSpec": {
            "Image": IMAGE,
            "Labels": {"kept": "yes", "io.mirrorconsole.env": "e0"},
            "Env": ["STAGE=live", "EMPTY=", "EQUALS=a=b", "BARE"],
            "Args": ["serve"],
            "Mounts": [{"Type": "volume", "Source": "media", "Target": "/media"}],
            "Secrets": [{"SecretID": "s", "SecretName": "token", "File": {"Name": "token", "Mode": 292}}],
            "SomethingNew": {"Of": ["a", "later", "Docker"], "Big": 2**62},
        },
        "Resources": {"Limits": {"NanoCPUs": 500_000_000}, "Reservations": {"MemoryBytes": 1}},
        "Networks": [{"Target": "n" * 25}],
        "ForceUpdate": 7,
    },
    "Mode": {"Replicated": {"Replicas": 3}},
    "UpdateConfig": {"Parallelism": 2, "Delay": 1, "Order": "start-first", "FailureAction": "rollback"},
    "EndpointSpec": {"Mode": "vip", "Ports": [{"TargetPort": 80, "PublishedPort": 8080}]},
}
TOLD: dict[str, Any] = {
    "ID": ID,
    "Version": {"Index": 12},
    "CreatedAt": "2026-11-27T09:12:28.452178372Z",
    "UpdatedAt": "2026-11-27T09:14:28.45312671Z",
    "Spec": SPEC,
    "PreviousSpec": {"Name": "shop", "TaskTemplate": {"ContainerSpec": {"Image": NEXT}}},
    "UpdateStatus": {"State": "completed", "Message": "update completed"},
}


def read(**changes: Any) -> Any:
    return swarm.one_service(json.dumps(TOLD | changes).encode())


def test_a_service_is_read() -> None:
    seen = read()
    assert (seen.id, seen.name, seen.version, seen.image) == (ID, "shop", 12, IMAGE)
    assert seen.variables == {"STAGE": "live", "EMPTY": "", "EQUALS": "a=b", "BARE": ""}
    assert seen.limits == Limits(0, 0.5, 0)
    assert (seen.replicas, seen.parallelism, seen.start_first, seen.command) == (3, 2, True, ("serve",))
    assert (seen.update, seen.previous_image, seen.networks) == (UpdateState.COMPLETED, NEXT, ("n" * 25,))
    assert "live" not in repr(seen)


def test_little_is_needed_to_make_sense() -> None:
    bare = {"ID": ID, "Version": {"Index": 1}, "Spec": {"Name": "shop", "TaskTemplate": {}, "Mode": {"Global": {}}}}
    seen = swarm.one_service(json.dumps(bare).encode())
    assert (seen.image, seen.replicas, seen.update, seen.has_previous, seen.created_at) == ("", None, None, False, None)
    assert (seen.parallelism, seen.start_first, seen.stop_seconds, seen.job) == (1, False, None, False)


def test_a_job_is_told_apart() -> None:
    assert read(Spec=SPEC | {"Mode": {"ReplicatedJob": {"MaxConcurrent": 1}}}).job
    assert read(Spec=SPEC | {"Mode": {"GlobalJob": {}}}).job


def test_its_hash_is_of_what_its_tasks_are_made_of_in_whatever_order() -> None:
    template = SPEC["TaskTemplate"]
    turned = dict(reversed(template.items()))
    assert read(Spec=SPEC | {"TaskTemplate": turned}).spec_hash == read().spec_hash
    other = copy.deepcopy(template)
    other["ContainerSpec"]["Env"][0] = "STAGE=test"
    assert read(Spec=SPEC | {"TaskTemplate": other}).spec_hash != read().spec_hash
    assert read(Spec=SPEC | {"Labels": {}}).spec_hash == read().spec_hash


@pytest.mark.parametrize(
    "changes",
    [
        {"ID": "../../containers/json"},
        {"ID": ID.upper()},
        {"Version": {"Index": "12"}},
        {"Version": {"Index": 2**70}},
        {"Spec": {"Labels": {}}},
        {"UpdateStatus": {"State": "wandering"}},
        {"CreatedAt": "yesterday"},
        {"Spec": SPEC | {"TaskTemplate": {"ContainerSpec": {"Env": "STAGE=live"}}}},
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((Malformed, msgspec.DecodeError)):
        read(**changes)


def test_what_is_hostile_is_cleaned_or_refused() -> None:
    seen = read(Spec=SPEC | {"Name": "shop\x1b[31m\n" + "x" * 10_000})
    assert len(seen.name) <= 256
    assert "\x1b" not in seen.name
    with pytest.raises(Oversized):
        swarm.services(b"[" + b"," * 1_000_000 + b"]")


def test_tasks_are_told_in_the_order_of_their_slots_the_newest_first() -> None:
    def task(name: str, slot: int, at: str, **status: object) -> dict[str, Any]:
        return {
            "ID": name.ljust(25, "0"),
            "ServiceID": ID,
            "Slot": slot,
            "Status": {"Timestamp": f"2026-11-27T09:{at}Z", "State": "failed", **status},
            "DesiredState": "shutdown",
        }

    ended = {"ContainerStatus": {"ContainerID": "c" * 64, "ExitCode": 3}}
    unknown = {"ContainerStatus": {"ContainerID": "c" * 64, "ExitCode": -1}}
    told = [
        task("b", 2, "14:00", Err="task: non-zero exit (3)", Message="started", **ended),
        task("a", 1, "12:00", **unknown),
        task("n", 1, "13:00", State="running", Message="started"),
    ]
    seen = swarm.tasks(json.dumps(told).encode())
    assert [one.id[0] for one in seen] == ["n", "a", "b"]
    assert [one.exit_code for one in seen] == [None, None, 3]
    assert [one.words for one in seen] == ["", "", "task: non-zero exit (3)"]


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_what_is_not_changed_is_sent_as_it_was_told() -> None:
    before = copy.deepcopy(SPEC)
    sent = updated_spec(SPEC, ServiceChange(NEXT, monitor=2.5))
    assert before == SPEC
    container = sent["TaskTemplate"]["ContainerSpec"]
    assert container == SPEC["TaskTemplate"]["ContainerSpec"] | {"Image": NEXT, "Labels": {"kept": "yes"}}
    update = {"Parallelism": 2, "Delay": 1, "Order": "start-first"}
    assert sent == SPEC | {
        "TaskTemplate": SPEC["TaskTemplate"] | {"ContainerSpec": container},
        "Labels": {"com.docker.stack.namespace": "web"},
        "UpdateConfig": update | {"FailureAction": "pause", "Monitor": 2_500_000_000, "MaxFailureRatio": 0},
    }


def test_settings_stand_for_what_is_there() -> None:
    settings = Settings(variables={"STAGE": "test"}, limits=Limits(64 * 1024 * 1024, 0.0, 10), stop_seconds=10)
    labels = {"io.mirrorconsole.rollout": "r1"}
    change = ServiceChange(NEXT, settings, {"TOKEN": Secret("quiet")}, labels, labels)
    sent = updated_spec(SPEC, change)
    container = sent["TaskTemplate"]["ContainerSpec"]
    assert container["Env"] == ["STAGE=test", "TOKEN=quiet"]
    assert container["Labels"] == {"kept": "yes"} | labels
    assert sent["Labels"] == {"com.docker.stack.namespace": "web"} | labels
    assert sent["TaskTemplate"]["Resources"] == {
        "Limits": {"MemoryBytes": 64 * 1024 * 1024, "Pids": 10},
        "Reservations": {"MemoryBytes": 1},
    }
    # Nothing looks changed that is as it was: neither a default that is spelled out, nor what is empty.
    assert {"Args", "StopSignal", "StopGracePeriod", "Init"}.isdisjoint(container)


def test_a_specification_of_little_gets_what_it_needs() -> None:
    bare = {"Name": "shop", "TaskTemplate": {"ContainerSpec": {"Image": IMAGE}}}
    settings = Settings(command=("serve", "--fast"), init=True, stop_signal="SIGINT", stop_seconds=0)
    sent = updated_spec(bare, ServiceChange(NEXT, settings))
    assert sent["TaskTemplate"]["ContainerSpec"] == {
        "Image": NEXT,
        "Args": ["serve", "--fast"],
        "Init": True,
        "StopSignal": "SIGINT",
        "StopGracePeriod": 0,
    }
    assert sent["UpdateConfig"]["Order"] == "stop-first"
