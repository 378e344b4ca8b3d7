"""The lab does what the other tests rely on: engines, a registry with a password, images, a keyring, and an end."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.lab import publish as pipeline
from tests.lab.certificates import Authority, Credentials
from tests.lab.docker_cli import Docker
from tests.lab.engine import EngineSpec, LabEngine
from tests.lab.images import Behaviour, ImageSpec, build, load
from tests.lab.keyring import LabKeyring
from tests.lab.lab import Lab, abandoned, running_labs, sweep
from tests.lab.network import networks
from tests.lab.processes import Process
from tests.lab.programs import LabError, run
from tests.lab.registry import LabRegistry
from tests.lab.ssh import PORT

ROOT = Path(__file__).parents[2]


def test_an_engine_starts_containers_whose_ports_are_reached_from_here(lab: Lab, local_engine: LabEngine) -> None:
    docker = lab.docker(local_engine)
    image_id = load(docker, ImageSpec("shop/plain", "26.8.1"))
    docker.start_container(
        "shop/plain:26.8.1",
        "web-live",
        ports={8081: 8080},
        variables={"DOMAIN": "a.example", "GREETING": "Good  morning", "DATABASE_URL": "postgres://u:secret@db/a"},
        labels={"team": "shop"},
    )
    assert _http(local_engine, 8081) == (200, "version 26.8.1\nDOMAIN=a.example\nGREETING=Good  morning")
    assert _http(local_engine, 8081, "/health") == (200, "healthy")
    assert _http(local_engine, 8081, "/other")[0] == 404
    assert docker.running() == ["web-live"]
    assert docker.image_of("web-live") == image_id
    assert docker.version_of("web-live") == "26.8.1"
    assert docker.labels("web-live")["team"] == "shop"
    assert docker.variables("web-live")["DATABASE_URL"].endswith("secret@db/a")
    assert docker.inspect("nothing") is None
    assert docker.execute("web-live", "cat", "/app/version") == "shop/plain:26.8.1"
    assert docker.run("info", "--format", "{{.Name}}") == "local"


def test_fixtures_hand_out_clean_engines(lab: Lab, local_engine: LabEngine) -> None:
    docker = lab.docker(local_engine)
    load(docker, ImageSpec("shop/plain", "26.8.1"))
    docker.run("network", "create", "shop")
    docker.run("volume", "create", "media")
    docker.start_container("shop/plain:26.8.1", "web-live", "--network", "shop", "--volume", "media:/data")
    docker.clear()
    assert docker.names() == []
    assert docker.run("volume", "ls", "--quiet") == ""
    assert docker.run("network", "ls", "--format", "{{.Name}}").split() == ["bridge", "host", "none"]


def test_the_fast_engine_runs_containers_side_by_side_on_its_host_network(lab: Lab, fast_engine: LabEngine) -> None:
    docker = lab.docker(fast_engine)
    load(docker, ImageSpec("shop/plain", "26.8.1"))
    for number in range(3):
        port = 9001 + number
        variables = {"PORT": str(port), "DOMAIN": f"{number}.example"}
        docker.start_container("shop/plain:26.8.1", f"web{number}", "--network", "host", variables=variables)
    for number in range(3):
        assert _http(fast_engine, 9001 + number)[1].endswith(f"DOMAIN={number}.example")


def test_equal_images_have_equal_ids_and_others_differ(lab: Lab, fast_engine: LabEngine) -> None:
    first = build(ImageSpec("shop/same", "26.8.1", probe=1.0))
    assert build(ImageSpec("shop/same", "26.8.1", probe=1.0)).archive == first.archive
    assert build(ImageSpec("shop/same", "26.8.2", probe=1.0)).id != first.id
    assert build(ImageSpec("shop/same", "26.8.1", Behaviour.SLOW_START, probe=1.0)).id != first.id
    docker = lab.docker(fast_engine)
    assert load(docker, ImageSpec("shop/same", "26.8.1", probe=1.0)) == first.id
    found = docker.image("shop/same:26.8.1")
    assert found is not None
    assert found["Id"] == first.id
    assert found["Config"]["Labels"]["org.opencontainers.image.version"] == "26.8.1"
    assert found["Config"]["Healthcheck"]["Interval"] == 1_000_000_000


def test_images_behave_as_they_are_told(lab: Lab, fast_engine: LabEngine) -> None:
    docker = lab.docker(fast_engine)

    def begin(behaviour: Behaviour, seconds: float = 1.0) -> int:
        spec = ImageSpec(f"shop/{behaviour}", "1.0.0", behaviour, seconds=seconds, probe=1.0)
        load(docker, spec)
        port = 9100 + list(Behaviour).index(behaviour)
        docker.start_container(spec.reference, behaviour, "--network", "host", variables={"PORT": str(port)})
        return port

    dying = begin(Behaviour.HEALTHY_THEN_DIES, seconds=4.0)
    assert _http(fast_engine, dying, "/health")[0] == 200
    begin(Behaviour.EXITS_AT_ONCE)
    _wait(lambda: docker.state(Behaviour.EXITS_AT_ONCE) == "exited", "it exits at once")
    assert docker.container(Behaviour.EXITS_AT_ONCE)["State"]["ExitCode"] == 3
    assert "cannot start" in docker.logs(Behaviour.EXITS_AT_ONCE)
    port = begin(Behaviour.NEVER_HEALTHY)
    assert _http(fast_engine, port, "/health")[0] == 503
    assert _http(fast_engine, port)[0] == 200
    for behaviour in (Behaviour.OK, Behaviour.SLOW_START, Behaviour.IGNORES_TERM):
        begin(behaviour)
    _wait(lambda: docker.health(Behaviour.NEVER_HEALTHY) == "unhealthy", "it is unhealthy")
    _wait(lambda: docker.health(Behaviour.OK) == "healthy", "it is healthy")
    _wait(lambda: docker.health(Behaviour.SLOW_START) == "healthy", "it is healthy after its slow start")
    _wait(lambda: docker.state(Behaviour.HEALTHY_THEN_DIES) == "exited", "it dies")
    assert docker.container(Behaviour.HEALTHY_THEN_DIES)["State"]["ExitCode"] == 4
    docker.run("stop", "--time", "1", Behaviour.IGNORES_TERM)
    assert docker.container(Behaviour.IGNORES_TERM)["State"]["ExitCode"] == 137, "it was ended by force"
    for behaviour in (Behaviour.OK, Behaviour.SLOW_START, Behaviour.NEVER_HEALTHY):
        docker.run("stop", behaviour)
        assert docker.container(behaviour)["State"]["ExitCode"] == 0, "it ended on SIGTERM"


def test_a_slow_start_is_neither_healthy_nor_answering_at_first(lab: Lab, fast_engine: LabEngine) -> None:
    docker = lab.docker(fast_engine)
    spec = ImageSpec("shop/slow", "1.0.0", Behaviour.SLOW_START, seconds=30.0, probe=0.5)
    load(docker, spec)
    docker.start_container(spec.reference, "slow", "--network", "host")
    time.sleep(1.2)
    assert docker.health("slow") == "starting"
    with pytest.raises(urllib.error.URLError):
        _ask(f"http://{fast_engine.host}:8080/")
    docker.run("stop", "slow")
    assert docker.container("slow")["State"]["ExitCode"] == 0


def test_the_registry_wants_its_password(lab: Lab, lab_registry: LabRegistry, local_engine: LabEngine) -> None:
    assert lab_registry.check_password(lab_registry.password)
    assert not lab_registry.check_password("wrong")
    published = pipeline.publish(lab, local_engine, ImageSpec("shop/private", "26.8.1"), tags=["live"])
    assert lab_registry.tags("shop/private") == ["26.8.1", "live"]
    assert "shop/private" in lab_registry.repositories()
    stranger = Docker(local_engine)
    stranger.forget_image(published.image_id)
    with pytest.raises(LabError, match="no basic auth credentials"):
        stranger.run("pull", published.reference)
    docker = lab.docker(local_engine)
    docker.run("pull", "--quiet", published.pinned)
    found = docker.image(published.pinned)
    assert found is not None
    assert found["Id"] == published.image_id
    lab_registry.stop()
    with pytest.raises(LabError, match="connection refused"):
        docker.run("pull", published.reference)
    lab_registry.start()
    docker.run("pull", "--quiet", published.reference)


def test_tls_needs_a_certificate_of_the_right_authority(lab: Lab, tls_engine: LabEngine, tmp_path: Path) -> None:
    good = tls_engine.client
    assert _by_tls(tls_engine, good, tmp_path) == "OK"
    foreign = Authority("Someone else's").client("console")
    expired = lab.authority.client("console", end=datetime(2021, 1, 1, tzinfo=UTC))
    for client in (foreign, expired, None):
        bad = Credentials(good.ca, client.certificate, client.key) if client else None
        with pytest.raises((urllib.error.URLError, ssl.SSLError, ConnectionResetError, BrokenPipeError)):
            _by_tls(tls_engine, bad, tmp_path, ca=good.ca)
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        _by_tls(tls_engine, good, tmp_path, ca=foreign.ca)
    for file in ("ca.pem", "cert.pem", "key.pem"):
        assert (tls_engine.client_folder / file).stat().st_mode & 0o077 == 0


def test_an_engine_without_tls_says_so(local_engine: LabEngine) -> None:
    assert local_engine.url == f"unix://{local_engine.socket}"
    with pytest.raises(LabError, match="doesn't listen with TLS"):
        _ = local_engine.tls_url


def test_a_killed_engine_starts_again_with_its_containers(lab: Lab, tls_engine: LabEngine) -> None:
    docker = lab.docker(tls_engine)
    load(docker, ImageSpec("shop/plain", "26.8.1"))
    for policy in ("always", "unless-stopped"):
        docker.start_container("shop/plain:26.8.1", policy, "--restart", policy)
    pid = tls_engine.pid
    tls_engine.kill()
    assert not tls_engine.running()
    assert not tls_engine.answers()
    assert Process.of(pid) is None
    tls_engine.start()
    assert tls_engine.pid != pid
    # What this version does after a SIGKILL: `unless-stopped` counts as stopped by hand.
    _wait(lambda: docker.state("always") == "running", "it was started again")
    assert docker.state("unless-stopped") == "exited"


def test_restart_and_reboot_keep_what_is_on_the_disk(lab: Lab, local_engine: LabEngine) -> None:
    docker = lab.docker(local_engine)
    load(docker, ImageSpec("shop/plain", "26.8.1"))
    docker.start_container("shop/plain:26.8.1", "web-live", "--restart", "always", ports={8081: 8080})
    for come_back in (local_engine.restart, local_engine.reboot):
        come_back()
        _wait(lambda: docker.state("web-live") == "running", "it was started again")
        assert _http(local_engine, 8081)[0] == 200


def test_a_frozen_engine_takes_connections_and_answers_nothing(local_engine: LabEngine) -> None:
    local_engine.freeze()
    assert not local_engine.answers()
    assert local_engine.running()
    local_engine.thaw()
    _wait(local_engine.answers, "it answers again")


def test_a_cut_engine_is_silent_on_its_address_alone(lab: Lab, tls_engine: LabEngine, tmp_path: Path) -> None:
    client = tls_engine.client
    tls_engine.cut()
    with pytest.raises((urllib.error.URLError, TimeoutError)):
        _by_tls(tls_engine, client, tmp_path, seconds=0.7)
    assert lab.docker(tls_engine).names() == []
    tls_engine.uncut()
    assert _by_tls(tls_engine, client, tmp_path, seconds=5.0) == "OK"


def test_the_pipeline_publishes_and_deploys(
    lab: Lab, lab_registry: LabRegistry, local_engine: LabEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    docker = lab.docker(local_engine)
    asked = [str(lab.folder), "shop/pipeline", "--engine", "local", "--deploy", "web-test"]
    first = ["--release", "26.8.9", "--variable", "DOMAIN=test.example", "--port", "8080:8080"]
    assert pipeline.main([*asked, *first]) == 0
    assert _http(local_engine, 8080)[1] == "version 26.8.9\nDOMAIN=test.example"
    before = docker.container("web-test")
    assert pipeline.main(asked) == 0
    assert "26.8.10" in capsys.readouterr().out
    assert lab_registry.tags("shop/pipeline") == ["26.8.10", "26.8.9"]
    assert _http(local_engine, 8080)[1] == "version 26.8.10\nDOMAIN=test.example"
    after = docker.container("web-test")
    assert after["Id"] != before["Id"]
    assert after["HostConfig"]["RestartPolicy"] == before["HostConfig"]["RestartPolicy"]
    assert docker.names() == ["web-test"]
    assert pipeline.main([str(lab.folder), "shop/pipeline", "--engine", "nowhere"]) == 1
    assert "has no engine nowhere" in capsys.readouterr().err


def test_nothing_of_the_callers_docker_is_read_or_written(
    lab: Lab, local_engine: LabEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    pipeline.publish(lab, local_engine, ImageSpec("shop/quiet", "1.0.0"))
    assert lab.docker(local_engine).names() == []
    assert list(tmp_path.iterdir()) == []


def test_the_keyring_keeps_a_secret_until_it_is_locked(lab_keyring: LabKeyring) -> None:
    def child(code: str) -> str:
        words = f"import keyring; assert 'SecretService' in str(keyring.get_keyring()), keyring.get_keyring(); {code}"
        environment = {"PATH": os.environ["PATH"], **lab_keyring.environment}
        done = subprocess.run(
            [sys.executable, "-c", words], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]

    assert child("keyring.set_password('lab-test', 'paris', 'a secret')") == ""
    assert child("print(keyring.get_password('lab-test', 'paris'))") == "a secret"
    lab_keyring.lock()
    assert lab_keyring.locked()
    assert "Locked" in child("print(keyring.get_password('lab-test', 'paris'))")
    lab_keyring.unlock()
    assert child("print(keyring.get_password('lab-test', 'paris'))") == "a secret"


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A new folder with a short path, as sockets need; the lab in it is stopped whatever happens."""
    folder = Path(f"/tmp/lab-own-{os.getpid()}")
    yield folder
    if folder.exists():
        run([sys.executable, "-m", "tests.lab", "stop", str(folder)], check=False)


@pytest.mark.usefixtures("lab")
def test_another_process_stops_a_kept_lab_and_nothing_is_left(
    short_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = run(["iptables-save"]).stdout
    forwarding = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    users = Path("/etc/passwd").read_bytes()
    assert _lab_command("start", short_folder, "one", "two:tls").returncode == 0
    own = Lab.attach(short_folder)
    server = own.engine(EngineSpec("three", bridge=False, ssh=True)).ssh
    jump_host = own.start_jump_host()
    for each in (server, jump_host):
        assert each.said("Server listening on") == 1
    docker = own.docker("one")
    load(docker, ImageSpec("shop/stubborn", "1.0.0", Behaviour.IGNORES_TERM))
    docker.start_container("shop/stubborn:1.0.0", "stubborn", "--restart", "always", ports={8080: 8080})
    docker.run("volume", "create", "media")
    own.engine("two").freeze()
    assert short_folder in [each.folder for each in running_labs()]
    there = "\n".join(own.leftovers())
    for part in (
        "dockerd",
        "containerd-shim",
        "docker-proxy",
        "/app/main",
        "/usr/sbin/sshd -D",
        "gnome-keyring",
        "namespace",
        "link",
        "folder",
    ):
        assert part in there
    assert "mount" not in there, "mounts of engines never show on this machine"
    assert str(short_folder) in _lab_command("status").stdout
    assert "runs until it is stopped" in _lab_command("status", short_folder).stdout
    stopped = _lab_command("stop", short_folder)
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert Path("/etc/passwd").read_bytes() == users
    assert own.leftovers() == []
    assert not short_folder.exists()
    assert run(["iptables-save"]).stdout == rules
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == forwarding
    assert _lab_command("stop", short_folder).stderr == f"There is no lab in {short_folder}.\n"


@pytest.mark.usefixtures("lab")
def test_labs_that_start_at_once_leave_each_other_alone(short_folder: Path) -> None:
    folders = [short_folder, short_folder.with_name(f"{short_folder.name}b")]
    command = [sys.executable, "-m", "tests.lab", "start"]
    output = subprocess.DEVNULL
    starting = [subprocess.Popen([*command, str(it), "one:no-bridge"], cwd=ROOT, stdout=output) for it in folders]
    try:
        while any(each.poll() is None for each in starting):
            assert not set(sweep()) & set(folders), "a lab that is being made isn't one that was abandoned"
        assert [each.returncode for each in starting] == [0, 0]
        labs = [Lab.attach(folder) for folder in folders]
        assert labs[0].network != labs[1].network
        assert all(each.engine("one").answers() and each.registry.answers() for each in labs)
    finally:
        for folder in folders:
            _lab_command("stop", folder)


@pytest.mark.usefixtures("lab")
def test_a_lab_that_has_ended_does_nothing_to_the_one_that_has_its_number_now(short_folder: Path) -> None:
    other = short_folder.with_name(f"{short_folder.name}b")
    with Lab.start(short_folder, registry=False, keyring=False) as ended:
        pass
    with Lab.start(other, [EngineSpec("one", bridge=False)], registry=False, keyring=False) as later:
        late = Lab(short_folder, later.network, ended.owner, None)
        late.stop()
        assert late.leftovers() == []
        assert later.engine("one").answers()
    assert later.leftovers() == []


@pytest.mark.usefixtures("lab")
def test_engines_reach_the_registry_while_others_come_and_go(short_folder: Path) -> None:
    with Lab.start(short_folder, [EngineSpec("first", bridge=False)], keyring=False) as own:
        published = pipeline.publish(own, own.engine("first"), ImageSpec("shop/plain", "26.8.1"))
        hardware = run(["ip", "-n", own.network.name, "-brief", "link", "show", "switch"]).stdout
        for number in range(3):
            other = own.engine(EngineSpec(f"other{number}", bridge=False))
            for engine in (own.engine("first"), other):
                own.docker(engine).run("pull", "--quiet", published.reference, timeout=8.0)
            other.cut()
        assert run(["ip", "-n", own.network.name, "-brief", "link", "show", "switch"]).stdout == hardware


@pytest.mark.usefixtures("lab")
def test_the_owner_uses_the_lab_without_being_root(short_folder: Path) -> None:
    nobody, other = (65534, 65534), (65533, 65533)
    with Lab.start(short_folder, [EngineSpec("one", tls=True)], registry=False, owner=nobody) as own:
        engine = own.engine("one")
        assert {stat.S_IMODE(folder.stat().st_mode) & 0o011 for folder in engine.socket.parents} == {0o011}
        assert (engine.socket.stat().st_gid, stat.S_IMODE(engine.socket.stat().st_mode)) == (nobody[1], 0o660)
        ask = ["docker", "--config", "/nowhere", "--host", engine.unix_url, "ps", "--quiet"]
        assert run(ask, user=nobody).stdout == ""
        assert "permission denied" in run(ask, user=other, check=False).stderr
        key = ["cat", str(engine.client_folder / "key.pem")]
        assert "PRIVATE KEY" in run(key, user=nobody).stdout
        assert run(key, user=other, check=False).returncode != 0
        assert run(["cat", str(own.registry.folder / "password")], user=nobody, check=False).returncode != 0
        assert not own.keyring.locked()
        for name in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
            run(["touch", f"{own.keyring.environment[name]}/mine"], user=nobody)
    assert own.leftovers() == []


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_lab_goes_with_its_process(short_folder: Path, number: signal.Signals) -> None:
    words = (
        "import sys, time; from pathlib import Path; from tests.lab.lab import *;\n"
        "specs = [EngineSpec('one', bridge=False, ssh=True)]\n"
        "with ending_on_signals(), Lab.start(Path(sys.argv[1]), specs, registry=False) as lab:\n"
        "    lab.start_jump_host(); print('ready', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", words, str(short_folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        own = Lab.attach(short_folder)
        servers = (own.engine("one").ssh, own.jump_host)
        with ExitStack() as lasting:
            # Whoever is connected is a process of its own, in mounts that only it and the server see.
            for server in servers:
                line = lasting.enter_context(socket.create_connection((server.host, PORT), 10.0))
                assert line.recv(4) == b"SSH-"
            there = "\n".join(own.leftovers())
            assert there.count("/sshd -D") == 2, there
            assert there.count("sshd: ") >= 2, there
            child.send_signal(number)
            child.wait(20)
    if number is signal.SIGKILL:
        # Another run of the tests on this machine may have swept it before us: that is as good.
        sweep()
    assert own.leftovers() == []
    assert not [line for line in abandoned() if str(short_folder) in line]


@pytest.mark.usefixtures("lab")
def test_a_start_that_fails_takes_away_what_it_had_started(short_folder: Path) -> None:
    with pytest.raises(LabError, match="ended while it started"):
        # No host may have such a name.
        Lab.start(short_folder, [EngineSpec("one"), EngineSpec("bad_name", bridge=False)], registry=False)
    assert short_folder not in [folder for _, folder in networks()]
    assert not short_folder.exists()
    short_folder.mkdir()
    (short_folder / "mine").touch()
    with pytest.raises(LabError, match="is not empty"):
        Lab.start(short_folder)
    (short_folder / "mine").unlink()
    short_folder.rmdir()


def test_without_root_a_sentence_says_what_needs_it() -> None:
    # Imported first: the one who then runs it may not be allowed to read the interpreter's own files.
    words = "import os; from tests.lab.programs import require_root; os.geteuid() or os.setuid(65534); require_root()"
    done = subprocess.run(
        [sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert "The lab needs root" in done.stderr.splitlines()[-1]


def test_versions_count_on() -> None:
    assert pipeline.next_version([]) == pipeline.FIRST_VERSION
    assert pipeline.next_version(["26.8.9", "26.8.10", "live", "26.7.30"]) == "26.8.11"


def _http(engine: LabEngine, port: int, path: str = "/") -> tuple[int, str]:
    """Status and text, once somebody answers."""
    found: list[tuple[int, str]] = []

    def answered() -> bool:
        try:
            found.append(_ask(f"http://{engine.host}:{port}{path}"))
        except OSError:
            return False
        return True

    _wait(answered, f"{engine.name} answers on {port}")
    return found[0]


def _ask(address: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5.0) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def _by_tls(
    engine: LabEngine, client: Credentials | None, folder: Path, *, ca: str | None = None, seconds: float = 5.0
) -> str:
    """What the engine answers to a ping of this client."""
    context = ssl.create_default_context(cadata=ca or (client.ca if client else None))
    if client is not None:
        client.write(folder, (os.geteuid(), os.getegid()))
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(engine.tls_url.replace("tcp://", "https://") + "/_ping", timeout=seconds) as answer:
        return str(answer.read().decode())


def _wait(ready: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(0.03)


def _lab_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.lab", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_podman_keeps_everything_in_its_own_folder_and_outlives_its_service(lab: Lab, podman_engine: LabEngine) -> None:
    docker = lab.docker(podman_engine)
    load(docker, ImageSpec("localhost/shop/plain", "26.8.1"))
    docker.start_container("localhost/shop/plain:26.8.1", "web-live", ports={8081: 8080}, variables={"DOMAIN": "a.b"})
    assert _http(podman_engine, 8081) == (200, "version 26.8.1\nDOMAIN=a.b")
    assert docker.run("info", "--format", "{{.Name}} {{.DockerRootDir}}") == f"porto {podman_engine.folder / 'data'}"
    podman_engine.kill()
    assert not podman_engine.answers()
    assert _http(podman_engine, 8081)[0] == 200
    podman_engine.mend()
    assert docker.running() == ["web-live"]
    podman_engine.reboot()
    assert docker.state("web-live") == "created", "what ran before the power was lost isn't told by Podman"
    theirs = ("/var/lib/containers", "/run/containers", "/run/libpod", "/var/lib/cni", "/run/netavark")
    assert [place for place in theirs if Path(place).exists()] == []
