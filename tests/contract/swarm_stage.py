"""A manager of a Swarm, real or simulated, and services on it that somebody else has made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirror_console.domain.swarm import ServiceChange, SwarmService, Task, UpdateState, tally
from mirror_console.operations.ports.engine import EngineSession
from tests.contract.stage import Behaviour, Stage, until
from tests.lab.asking import ask

SECOND = 1_000_000_000
QUICK: dict[str, Any] = {"Parallelism": 1, "Monitor": SECOND // 2, "Order": "stop-first", "FailureAction": "pause"}


@dataclass
class SwarmStage:
    """One manager."""

    stage: Stage

    @property
    def session(self) -> EngineSession:
        """The session with it."""
        return self.stage.session

    @property
    def socket(self) -> Path:
        """Where it is asked past the console."""
        return Path(self.stage.engine.address.path)

    def digest(self, version: str, behaviour: Behaviour = Behaviour.OK) -> str:
        """An image that the registry has, as ``repository@digest``."""
        reference = self.stage.image(version, behaviour, 0.5)
        digest = self.session.resolve(reference, self.stage.login).digest
        return f"{reference.rpartition(':')[0]}@{digest}"

    def serve(self, name: str, image: str, replicas: int = 1, **container: object) -> SwarmService:
        """Make a service as a stack does, and wait until all of it runs."""
        spec = self.spec(name, image, replicas, **container)
        ask(self.socket, "POST", "/services/create", spec)
        self.until_all_run(name)
        return self.service(name)

    def spec(self, name: str, image: str, replicas: int = 1, **container: object) -> dict[str, Any]:
        """What a stack asks for."""
        return {
            "Name": name,
            "Labels": {"stack": "shop"},
            "TaskTemplate": {
                "ContainerSpec": {"Image": image, "StopGracePeriod": SECOND, **container},
                "Resources": {"Limits": {}, "Reservations": {}},
                "RestartPolicy": {"Condition": "any", "Delay": SECOND // 2},
                "LogDriver": {"Name": "json-file", "Options": {"max-size": "1m"}},
            },
            "Mode": {"Replicated": {"Replicas": replicas}},
            "UpdateConfig": QUICK,
            "RollbackConfig": QUICK,
        }

    def whole(self, name: str) -> dict[str, Any]:
        """All that the manager tells of a service, read past the console."""
        found: dict[str, Any] = ask(self.socket, "GET", f"/services/{name}")
        return found

    def change_by_hand(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a service past the console."""
        whole = self.whole(name)
        change(whole["Spec"])
        ask(self.socket, "POST", f"/services/{whole['ID']}/update?version={whole['Version']['Index']}", whole["Spec"])

    def service(self, name: str) -> SwarmService:
        """The service, as the console sees it."""
        found = self.session.swarm_service(name)
        assert found is not None
        return found

    def tasks(self, name: str) -> list[Task]:
        """Its tasks."""
        return self.session.swarm_tasks(self.service(name).id)

    def running(self, name: str) -> list[Task]:
        """Those of its tasks that run."""
        return [task for task in self.tasks(name) if task.runs]

    def until_all_run(self, name: str) -> None:
        """Wait until all of it runs."""
        until(lambda: tally(self.service(name), self.tasks(name)).all_run, f"all of {name} runs")

    def until_update(self, name: str, state: UpdateState) -> None:
        """Wait until its update is so far."""
        until(lambda: self.service(name).update is state, f"the update of {name} is {state}")

    def update(self, name: str, image: str, rollout: str, **more: Any) -> None:
        """Have it updated as a rollout does."""
        service = self.service(name)
        labels = {"io.mirrorconsole.rollout": rollout}
        change = ServiceChange(image, labels=labels, container_labels=labels, monitor=0.5, **more)
        self.session.update_service(service.id, service.version, change, self.stage.login)
