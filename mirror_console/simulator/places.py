"""Networks and volumes on request: create, find, connect, remove."""

from mirror_console.simulator.container import Endpoint, Phase
from mirror_console.simulator.networks import PREDEFINED, Network, Volume
from mirror_console.simulator.running import attach, detach
from mirror_console.simulator.state import ApiVersion, EngineState, document_of
from mirror_console.simulator.wire import Document, Refusal


def network_document(state: EngineState, network: Network) -> Document:
    """The reply of an inspection, with the running containers on it."""
    attached = {
        container.id: {
            "Name": container.name,
            "EndpointID": endpoint.endpoint_id,
            "MacAddress": endpoint.mac,
            "IPv4Address": f"{endpoint.address}/16" if endpoint.address else "",
            "IPv6Address": "",
        }
        for container in state.containers.values()
        for endpoint in container.endpoints.values()
        if endpoint.network_id == network.id and container.is_running
    }
    return network.document(attached)


def create_network(state: EngineState, body: Document, version: ApiVersion) -> Document:
    """Create it. Two of one name are possible before API 1.44 (unless asked to check). Raises Refusal (403, 409)."""
    name = str(body.get("Name") or "")
    with state.lock:
        if name in PREDEFINED:
            raise Refusal(403, f"operation is not permitted on predefined {name} network ")
        same = next((network for network in state.networks.values() if network.name == name), None)
        if same is not None and (body.get("CheckDuplicate") or version >= (1, 44)):
            raise Refusal(409, f"network with name {name} already exists")
        network = state.add_network(name, str(body.get("Driver") or "bridge"))
        network.labels = document_of(body.get("Labels"))
        network.options = document_of(body.get("Options"))
        pools = document_of(body.get("IPAM")).get("Config") or []
        network.subnet = str(pools[0].get("Subnet") or "") if pools else ""
        network.internal, network.attachable = bool(body.get("Internal")), bool(body.get("Attachable"))
        attributes = {"name": name, "type": network.driver}
        state.events.tell("network", "create", network.id, attributes, network.created)
        warning = f"Network with name {name} (id : {same.id}) already exists" if same else ""
        return {"Id": network.id, "Warning": warning}


def remove_network(state: EngineState, reference: str) -> None:
    """Remove it. Raises Refusal: 404, 403 for a predefined one and for one in use."""
    with state.lock:
        network = state.find_network(reference)
        if network.name in PREDEFINED:
            raise Refusal(403, f"{network.name} is a pre-defined network and cannot be removed")
        if network_document(state, network)["Containers"]:
            words = f"network {network.name} id {network.id} has active endpoints"
            raise Refusal(403, f"error while removing network: {words}")
        del state.networks[network.id]
        attributes = {"name": network.name, "type": network.driver}
        state.events.tell("network", "destroy", network.id, attributes, state.clock())


def connect_network(state: EngineState, reference: str, body: Document) -> None:
    """Connect a container, running or not. Raises Refusal: 404, 403 when it is connected already, 400 for an address
    where nobody chose the subnet, 403 for one that is taken.
    """
    state.pause(state.timing.connect)
    with state.lock:
        network = state.find_network(reference)
        container = state.find_container(str(body.get("Container") or ""))
        if network.name in container.endpoints:
            raise Refusal(403, f"endpoint with name {container.name} already exists in network {network.name}")
        asked = document_of(body.get("EndpointConfig"))
        wanted = str(document_of(asked.get("IPAMConfig")).get("IPv4Address") or "")
        if wanted and not network.subnet:
            words = (
                "user specified IP address is supported only when connecting to networks with user configured subnets"
            )
            raise Refusal(400, words)
        if wanted and any(one.address == wanted for one in _on(state, network)):
            raise Refusal(403, "Address already in use")
        aliases = [*(asked.get("Aliases") or []), container.id[:12]]
        endpoint = Endpoint(network.name, aliases, network.id, wanted=wanted)
        container.endpoints[network.name] = endpoint
        if container.is_running:
            attach(state, container, endpoint, state.clock())


def _on(state: EngineState, network: Network) -> list[Endpoint]:
    return [
        endpoint
        for container in state.containers.values()
        for endpoint in container.endpoints.values()
        if endpoint.network_id == network.id and endpoint.address
    ]


def disconnect_network(state: EngineState, reference: str, body: Document) -> None:
    """Disconnect a container. Raises Refusal: 404, or 500 when it isn't connected."""
    state.pause(state.timing.connect)
    with state.lock:
        network = state.find_network(reference)
        container = state.find_container(str(body.get("Container") or ""))
        endpoint = container.endpoints.get(network.name)
        if endpoint is None:
            raise Refusal(500, f"container {container.id} is not connected to network {network.name}")
        if container.phase is Phase.RUNNING:
            detach(state, container, endpoint, state.clock())
        del container.endpoints[network.name]


def create_volume(state: EngineState, body: Document) -> Document:
    """Create it, or return the one that has the name: its first creator's labels stay."""
    with state.lock:
        name = str(body.get("Name") or "") or state.new_id()
        made = Volume(name, state.clock(), body.get("Labels") or {}, body.get("DriverOpts") or None)
        return state.volumes.setdefault(name, made).document()


def find_volume(state: EngineState, name: str) -> Volume:
    """Raises Refusal (404)."""
    volume = state.volumes.get(name)
    if volume is None:
        raise Refusal(404, f"get {name}: no such volume")
    return volume


def remove_volume(state: EngineState, name: str) -> None:
    """Remove it. Raises Refusal: 404, or 409 while a container has it."""
    with state.lock:
        find_volume(state, name)
        if users := state.volume_users(name):
            raise Refusal(409, f"remove {name}: volume is in use - [{', '.join(users)}]")
        del state.volumes[name]
