"""What a manager is asked to change: services made and updated, configs made, relabelled and removed."""

from __future__ import annotations

import copy
import re
from datetime import datetime

from mirror_console.simulator.state import EngineState
from mirror_console.simulator.swarm import NO_MANAGER, OUT_OF_SEQUENCE, Config, Service, Swarm
from mirror_console.simulator.wire import Document, Refusal

_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?")
_BAD_NAME = (
    "rpc error: code = InvalidArgument desc = invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start "
    "and end character must be [a-zA-Z0-9]"
)


def managed(state: EngineState) -> Swarm:
    """Its Swarm. Raises Refusal (503) where it manages none."""
    if state.swarm is None:
        raise Refusal(503, NO_MANAGER)
    return state.swarm


def create_service(state: EngineState, spec: Document, login: str) -> Service:
    """A new service; its tasks come by themselves. Raises Refusal: 400, 409 for a taken name, 503."""
    with state.lock:
        swarm, now = managed(state), state.clock()
        _demand_spec(spec)
        name = str(spec["Name"])
        if any(one.name == name for one in swarm.services.values()):
            raise Refusal(409, f"rpc error: code = AlreadyExists desc = name conflicts with an existing object: {name}")
        service = Service(swarm.new_id(), swarm.next_index(), copy.deepcopy(spec), now, now, login=login)
        swarm.services[service.id] = service
        _tell(state, service, "create", now)
        return service


def update_service(
    state: EngineState, reference: str, version: int | None, spec: Document, login: str, *, back: bool
) -> None:
    """Have it be something else from now on. Raises Refusal: 400, 404, 500 for another version, 503.

    Going `back`, what it is now is kept in the place of what it was: to go back twice is to go forward again.
    """
    with state.lock:
        swarm, now = managed(state), state.clock()
        service = swarm.service(reference)
        _demand_spec(spec)
        if version is None:
            raise Refusal(400, 'invalid service version "": strconv.ParseUint: parsing "": invalid syntax')
        if version != service.index:
            raise Refusal(500, OUT_OF_SEQUENCE)
        if back and service.previous is None:
            words = f"service {service.name} does not have a previous spec"
            raise Refusal(400, f"rpc error: code = FailedPrecondition desc = {words}")
        if not back and spec["Name"] != service.name:
            raise Refusal(501, "rpc error: code = Unimplemented desc = renaming services is not supported")
        wanted = service.previous if back and service.previous is not None else copy.deepcopy(spec)
        service.previous, service.spec = service.spec, wanted
        service.index, service.updated = swarm.next_index(), now
        service.status, service.back, service.updating, service.made = None, back, True, set()
        service.login = login or service.login
        if back:
            service.say("rollback_started", "manually requested rollback", now)
        _tell(state, service, "update", now)


def remove_service(state: EngineState, reference: str) -> None:
    """Take it away; its tasks end. Raises Refusal: 404, 503."""
    with state.lock:
        swarm = managed(state)
        service = swarm.service(reference)
        del swarm.services[service.id]
        swarm.next_index()
        _tell(state, service, "remove", state.clock())


def create_config(state: EngineState, spec: Document) -> Config:
    """A new config. Raises Refusal: 400, 409 for a taken name, 503."""
    with state.lock:
        swarm, now = managed(state), state.clock()
        name = str(spec.get("Name") or "")
        if not _NAME.fullmatch(name):
            raise Refusal(400, _BAD_NAME)
        if not spec.get("Data"):
            words = "config data must be larger than 0 and less than 1024000 bytes"
            raise Refusal(400, f"rpc error: code = InvalidArgument desc = {words}")
        if any(one.spec["Name"] == name for one in swarm.configs.values()):
            raise Refusal(409, f"rpc error: code = AlreadyExists desc = config {name} already exists")
        kept: Document = {"Name": name, "Labels": dict(spec.get("Labels") or {}), "Data": spec["Data"]}
        config = Config(swarm.new_id(), swarm.next_index(), kept, now, now)
        swarm.configs[config.id] = config
        return config


def update_config(state: EngineState, reference: str, version: int | None, spec: Document) -> None:
    """Give it other labels: nothing else of one can be changed. Raises Refusal: 400, 404, 500, 503."""
    with state.lock:
        swarm = managed(state)
        config = swarm.config(reference)
        if spec.get("Name", config.spec["Name"]) != config.spec["Name"] or spec.get("Data") not in (
            None,
            config.spec["Data"],
        ):
            raise Refusal(400, "rpc error: code = InvalidArgument desc = only updates to Labels are allowed")
        if version != config.index:
            raise Refusal(500, OUT_OF_SEQUENCE)
        config.spec = config.spec | {"Labels": dict(spec.get("Labels") or {})}
        config.index, config.updated = swarm.next_index(), state.clock()


def remove_config(state: EngineState, reference: str) -> None:
    """Take it away. Raises Refusal: 404, 503."""
    with state.lock:
        swarm = managed(state)
        del swarm.configs[swarm.config(reference).id]
        swarm.next_index()


def _demand_spec(spec: Document) -> None:
    template = spec.get("TaskTemplate")
    if not isinstance(template, dict) or not isinstance(template.get("ContainerSpec"), dict) or not spec.get("Name"):
        raise Refusal(400, "mismatched Runtime and *Spec fields")


def _tell(state: EngineState, service: Service, action: str, now: datetime) -> None:
    state.events.tell("service", action, service.id, {"name": service.name}, now)
