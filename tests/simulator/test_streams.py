"""What comes over time: events, output, waiting, commands in containers."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from mirror_console.simulator.engine import SimulatedEngine
from tests.simulator.conftest import IMAGE, Api, HandClock
from tests.simulator.test_containers import create, refused

# The client leaves connections that it took over to the garbage collector: `output_of` collects them.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def output_of(read: Callable[[], bytes]) -> bytes:
    """What a connection that was taken over brings, until it ends."""
    output = read()
    gc.collect()
    return output


def remembered(engine: SimulatedEngine, api: Api, **filters: list[str]) -> list[str]:
    """The actions that the engine remembers, up to now."""
    until = engine.state.clock().timestamp()
    return [event["Action"] for event in api.events(since=0, until=until, filters=filters, decode=True)]


def test_a_life_in_events(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    made = create(api, "web", 18080)
    api.start(made)
    clock.move(1)
    api.rename(made, "web.mc-prev")
    api.update_container(made, restart_policy={"Name": "no"})
    api.stop(made)
    api.remove_container(made)

    assert remembered(engine, api, type=["container"]) == [
        "create",
        "start",
        "exec_create: /bin/webshop --check",
        "exec_start: /bin/webshop --check",
        "exec_die",
        "health_status: healthy",
        "rename",
        "update",
        "kill",
        "die",
        "stop",
        "destroy",
    ]
    assert remembered(engine, api, type=["network"]) == ["connect", "disconnect"]


def test_an_event_says_who_and_what(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    made = api.create_container(IMAGE, name="web", labels={"io.mirrorconsole.env": "e1"})["Id"]
    until = clock().timestamp()
    (event,) = api.events(since=0, until=until, filters={"event": ["create"]}, decode=True)

    assert event["Actor"]["ID"] == event["id"] == made
    assert event["Actor"]["Attributes"]["io.mirrorconsole.env"] == "e1"
    assert (event["Actor"]["Attributes"]["name"], event["from"], event["status"]) == ("web", IMAGE, "create")
    assert event["time"] == int(until)
    assert event["timeNano"] == int(until) * 1_000_000_000


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"event": ["create"], "label": ["env=e1"]}, ["one"]),
        ({"event": ["create"], "container": ["two"]}, ["two"]),
        ({"event": ["create", "start"], "container": ["two"]}, ["two", "two"]),
        ({"event": ["health_status"]}, ["two"]),
        ({"event": ["health_status: healthy"], "type": ["container"]}, ["two"]),
        ({"event": ["die"]}, []),
        ({"image": [IMAGE], "event": ["create"]}, ["one", "two"]),
    ],
)
def test_events_are_filtered(
    engine: SimulatedEngine, api: Api, clock: HandClock, filters: dict[str, list[str]], names: list[str]
) -> None:
    api.create_container(IMAGE, name="one", labels={"env": "e1"})
    engine.run("two", IMAGE)
    clock.move(1)
    found = api.events(since=0, until=clock().timestamp(), filters=filters, decode=True)

    assert [event["Actor"]["Attributes"]["name"] for event in found] == names


def test_since_is_inclusive_and_the_memory_is_short(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    for number in range(300):
        create(api, f"web-{number}")
        clock.move(1)
    now = int(clock().timestamp())

    assert len(remembered(engine, api)) == 256
    last = list(api.events(since=now - 2, until=now, decode=True))
    assert [event["Actor"]["Attributes"]["name"] for event in last] == ["web-298", "web-299"]
    nothing = list(api.events(since=f"{now}.000000001", until=now + 0, decode=True))
    assert nothing == []


def test_an_open_stream_hears_of_what_happens(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    stream = api.events(filters={"event": ["start", "health_status"]}, decode=True)
    with ThreadPoolExecutor() as reader:
        first = reader.submit(lambda: [next(stream), next(stream)])
        engine.run("web", IMAGE)
        clock.move(1)
        assert [event["Action"] for event in first.result(timeout=5)] == ["start", "health_status: healthy"]
        rest = reader.submit(list, stream)
        stream.close()
        assert rest.result(timeout=5) == []


def test_checks_that_find_nothing_new_are_logged_for_who_asks_and_told_to_who_listens(
    engine: SimulatedEngine, api: Api, clock: HandClock
) -> None:
    engine.run("web", IMAGE)
    for _ in range(10):
        clock.move(1)
        assert api.containers()[0]["Status"].endswith("(healthy)")
    log = api.inspect_container("web")["State"]["Health"]["Log"]
    assert [entry["Start"][17:19] for entry in log] == ["06", "07", "08", "09", "10"]
    assert remembered(engine, api, event=["exec_die"]) == ["exec_die"]

    stream = api.events(filters={"event": ["exec_die", "health_status"]}, decode=True)
    with ThreadPoolExecutor() as reader:
        heard = reader.submit(lambda: [next(stream)["Action"] for _ in range(6)])
        for _ in range(100):
            engine.container("web")
            if engine.state.is_heard:
                break
            threading.Event().wait(0.02)
        clock.move(3)
        engine.make_unhealthy("web")
        clock.move(2)
        assert heard.result(timeout=5) == [*["exec_die"] * 5, "health_status: unhealthy"]
        rest = reader.submit(list, stream)
        stream.close()
        assert rest.result(timeout=5) == []


def test_an_engines_restart_ends_streams_and_forgets(engine: SimulatedEngine, api: Api) -> None:
    made = create(api, "web")
    api.start(made)
    command = api.exec_create(made, ["true"])["Id"]
    stream = api.events(since=0, filters={"event": ["create"]}, decode=True)
    assert next(stream)["Action"] == "create"
    engine.restart()

    assert list(stream) == []
    assert remembered(engine, api, event=["create"]) == []
    assert refused(api.exec_inspect, command)[0] == 404


def test_a_stream_whose_reader_has_gone_ends(engine: SimulatedEngine, api: Api) -> None:
    before = threading.active_count()
    stream = api.events(decode=True)
    stream.close()
    api.close()
    for _ in range(100):
        if not engine.state.events._streams:
            break
        threading.Event().wait(0.02)

    assert engine.state.events._streams == []
    assert threading.active_count() <= before + 2


def test_output_comes_in_frames_and_ends_with_the_container(api: Api) -> None:
    made = api.create_container(IMAGE, ["sh", "-c", "echo one; echo two; exit 3"], name="once")["Id"]
    assert api.logs(made) == b""
    api.start(made)

    assert api.wait(made)["StatusCode"] == 3
    assert api.logs(made) == b"one\ntwo\n"
    assert b"".join(api.logs(made, stream=True, follow=True)) == b"one\ntwo\n"
    assert api.logs(made, stdout=False, stderr=True) == b""
    assert api.logs(made, timestamps=True).startswith(b"2026-09-01T12:00:00")


def test_the_tail_of_the_output(api: Api) -> None:
    made = create(api, "web")
    for _ in range(3):
        api.start(made)
        api.kill(made)

    assert api.logs(made).count(b"\n") == 3
    assert api.logs(made, tail=1) == b"webshop 1 listens on port 8080\n"


def test_a_one_off_is_watched_to_its_end(api: Api, clock: HandClock) -> None:
    made = api.create_container(IMAGE, ["sh", "-c", "echo migrating; sleep 1; echo done"])["Id"]
    api.start(made)
    with ThreadPoolExecutor() as reader:
        output = reader.submit(output_of, lambda: b"".join(api.attach(made, stream=True, logs=True)))
        threading.Event().wait(0.1)
        assert not output.done()
        clock.move(1)
        assert output.result(timeout=5) == b"migrating\ndone\n"

    assert api.inspect_container(made)["State"]["ExitCode"] == 0


def test_following_ends_when_the_container_does(api: Api, engine: SimulatedEngine, clock: HandClock) -> None:
    engine.run("web", IMAGE)
    with ThreadPoolExecutor() as reader:
        output = reader.submit(lambda: b"".join(api.logs("web", stream=True, follow=True)))
        ended = reader.submit(api.wait, "web")
        threading.Event().wait(0.1)
        assert not output.done()
        assert not ended.done()
        engine.stop_container("web")

        assert output.result(timeout=5) == b"webshop 1 listens on port 8080\n"
        assert ended.result(timeout=5)["StatusCode"] == 143


@pytest.mark.parametrize(("condition", "status"), [("not-running", 0), ("nonsense", None)])
def test_waiting_for_one_that_never_started(api: Api, condition: str, status: int | None) -> None:
    made = create(api, "web")
    if status is None:
        assert refused(api.wait, made, condition=condition)[0] == 400
    else:
        assert api.wait(made, condition=condition)["StatusCode"] == status


def test_waiting_for_a_removal(api: Api, engine: SimulatedEngine) -> None:
    engine.run("web", IMAGE)
    with ThreadPoolExecutor() as reader:
        gone = reader.submit(api.wait, "web", condition="removed")
        threading.Event().wait(0.05)
        engine.lose_container("web")

        assert gone.result(timeout=5)["StatusCode"] == 137


def test_free_disk_space_is_read_by_a_command(api: Api, engine: SimulatedEngine) -> None:
    engine.run("web", IMAGE)
    command = api.exec_create("web", ["df", "-Pk", "/"])["Id"]
    header, row = output_of(lambda: api.exec_start(command)).decode().splitlines()

    assert header.split()[:4] == ["Filesystem", "1024-blocks", "Used", "Available"]
    assert int(row.split()[3]) == engine.state.free_kilobytes
    assert api.exec_inspect(command)["ExitCode"] == 0
    assert b"has already run" in output_of(lambda: api.exec_start(command))


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        (["/bin/busybox", "false"], 1, b""),
        (["sh", "-c", "false && echo no; echo yes"], 0, b"yes\n"),
        (["manage", "migrate"], 0, b"simulated: manage migrate\n"),
        (["/nope"], 126, b"OCI runtime exec failed"),
        (["exit", "x"], 0, b""),
    ],
)
def test_commands_answer_with_their_exit_code(
    api: Api, engine: SimulatedEngine, command: list[str], code: int, output: bytes
) -> None:
    engine.run("web", IMAGE)
    made = api.exec_create("web", command)["Id"]

    assert output_of(lambda: api.exec_start(made)).startswith(output)
    assert api.exec_inspect(made)["ExitCode"] == code


def test_a_command_needs_a_running_container(api: Api) -> None:
    made = create(api, "web")

    assert refused(api.exec_create, made, ["true"])[0] == 409
    assert refused(api.exec_start, "nothing")[0] == 404
