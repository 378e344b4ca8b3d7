"""What a manager answers about its Swarm: services, tasks and configs."""

from __future__ import annotations

from mirror_console.simulator import swarm_changes
from mirror_console.simulator.about import info_document
from mirror_console.simulator.calls import Call, Reply
from mirror_console.simulator.swarm_changes import managed
from mirror_console.simulator.table import Table, json_reply

TABLE = Table()
"""Stands beside the engine's own requests."""


@TABLE.route("GET", "/services")
def _list_services(call: Call) -> Reply:
    with call.state.lock:
        return json_reply([service.document() for service in managed(call.state).services.values()])


@TABLE.route("GET", "/services/{id}")
def _inspect_service(call: Call, reference: str) -> Reply:
    with call.state.lock:
        return json_reply(managed(call.state).service(reference).document())


@TABLE.route("POST", "/services/create")
def _create_service(call: Call) -> Reply:
    made = swarm_changes.create_service(call.state, call.body(), call.headers.get("x-registry-auth", ""))
    return json_reply({"ID": made.id}, 201)


@TABLE.route("POST", "/services/{id}/update")
def _update_service(call: Call, reference: str) -> Reply:
    back = call.query.get("rollback") == "previous"
    login = call.headers.get("x-registry-auth", "")
    swarm_changes.update_service(call.state, reference, call.number("version"), call.body(), login, back=back)
    return json_reply({"Warnings": None})


@TABLE.route("DELETE", "/services/{id}")
def _remove_service(call: Call, reference: str) -> Reply:
    swarm_changes.remove_service(call.state, reference)
    return Reply(200)


@TABLE.route("GET", "/tasks")
def _list_tasks(call: Call) -> Reply:
    wanted = call.filters().get("service", [])
    with call.state.lock:
        swarm = managed(call.state)
        # By id or name, as a manager takes both.
        ids = {one.id for one in swarm.services.values() if {one.id, one.name} & set(wanted)}
        shown = [task for task in swarm.tasks.values() if not wanted or task.service_id in ids]
        return json_reply([swarm.task_document(task) for task in shown])


@TABLE.route("GET", "/nodes")
def _list_nodes(call: Call) -> Reply:
    with call.state.lock:
        swarm = managed(call.state)
        own = swarm.node_document(info_document(call.state))
        return json_reply([own, *swarm.others])


@TABLE.route("GET", "/configs")
def _list_configs(call: Call) -> Reply:
    with call.state.lock:
        return json_reply([config.document() for config in managed(call.state).configs.values()])


@TABLE.route("POST", "/configs/create")
def _create_config(call: Call) -> Reply:
    return json_reply({"ID": swarm_changes.create_config(call.state, call.body()).id}, 201)


@TABLE.route("GET", "/configs/{id}")
def _inspect_config(call: Call, reference: str) -> Reply:
    with call.state.lock:
        return json_reply(managed(call.state).config(reference).document())


@TABLE.route("POST", "/configs/{id}/update")
def _update_config(call: Call, reference: str) -> Reply:
    swarm_changes.update_config(call.state, reference, call.number("version"), call.body())
    return Reply(200)


@TABLE.route("DELETE", "/configs/{id}")
def _remove_config(call: Call, reference: str) -> Reply:
    swarm_changes.remove_config(call.state, reference)
    return Reply(204)
