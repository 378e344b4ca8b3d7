"""The sample on real Docker engines, with a real registry and a real keyring: the lab of the tests, kept running."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import yaml
from sample_base import NEXT_ON, STARTED, Sample, say

from mirror_console.simulator.sample import Deviation, SampleEnvironment, SampleRelease, sample_secret
from tests.lab.docker_cli import Docker
from tests.lab.engine import EngineSpec, LabEngine
from tests.lab.images import ImageSpec
from tests.lab.lab import Lab, ending_on_signals, stop_in
from tests.lab.publish import publish
from tests.lab.ssh import PORT

LOCAL = "alpha"
"""The engine that is reached by its local socket."""
BY_SSH = "delft"
"""The engine that is reached by SSH with a private key; the others by TLS with client certificates."""
HEALTH_EVERY = 3.0
"""Seconds between two questions of the containers' health checks: each costs the engine some 40 ms."""


class RealSample(Sample):
    """Four engines, each a host of its own, a registry with a password, and a keyring."""

    def start(self) -> None:
        """Start the lab, run every container, and let the console see one release after the other."""
        specs = [_spec(one.name) for one in self.description.engines]
        with ending_on_signals():
            say("Starting four Docker engines, a registry and a keyring of the sample's own.")
            owner = (self.place.uid, self.place.gid)
            lab = Lab.start(self.place.lab, specs, kept=True, owner=owner)
            (self.place.folder / STARTED).write_text(json.dumps({"keyring": lab.keyring.environment}))
            say("Publishing the sample's releases and starting its containers; this takes a minute.")
            first, *later = self.description.sample.releases
            for release in self.description.sample.releases:
                self._publish(lab, release)
            self._deploy_source(lab, first.version)
            self._run_mirrors(lab)
            say("Filling the sample's catalog; its credentials go to the sample's keyring.")
            self._fill_catalog(lab)
            self.check_quietly()
            for release in later:
                self._deploy_source(lab, release.version)
                self.check_quietly()
            self._deviate(lab)
            self.check_quietly("--inspect")

    def stop(self) -> None:
        """Take the lab away: its processes, mounts, namespaces, links and rules."""
        left = stop_in(self.place.lab) if self.place.lab.exists() else []
        if left:
            raise SystemExit("\n".join(["Something of the sample's lab could not be taken away:", *left]))

    def is_up(self) -> bool:
        """Whether the engines run."""
        try:
            return all(engine.answers() for engine in Lab.attach(self.place.lab).engines.values())
        except OSError:
            return False

    def publish_next(self) -> str:
        """Build and push the next release, and deploy the source's live."""
        lab = Lab.attach(self.place.lab)
        have = set(lab.registry.tags(self.repository_path))
        release = next((one for one in self.description.sample.next if one.version not in have), None)
        if release is None:
            raise SystemExit("Every release of the sample is out already. 'packaging/demo --stop', then begin anew.")
        self._publish(lab, release)
        self._run(lab, self.source_environment(NEXT_ON), release.version)
        return release.version

    def environment(self) -> dict[str, str]:
        """The sample's own data folder, session bus and keyring."""
        started = json.loads((self.place.folder / STARTED).read_text())
        return {**super().environment(), **started["keyring"]}

    # --- containers ---------------------------------------------------------------------------------------------

    def _publish(self, lab: Lab, release: SampleRelease) -> None:
        spec = ImageSpec(self.repository_path, release.version, revision=release.revision, probe=HEALTH_EVERY)
        publish(lab, lab.engine(LOCAL), spec)

    def _deploy_source(self, lab: Lab, version: str) -> None:
        for environment in self.description.sources[0].environments:
            self._run(lab, environment, version)

    def _run_mirrors(self, lab: Lab) -> None:
        """Start every mirror's containers, as somebody did by hand before there was a console."""
        works = []
        for mirror in self.description.mirrors:
            for environment in mirror.environments:
                deviation = self.description.deviation_of(environment.container)
                if deviation.deviation is not Deviation.NEVER_DEPLOYED:
                    version = deviation.runs or self.description.sample.deployed
                    works.append((lab, environment, version))
        with ThreadPoolExecutor(len(self.description.engines)) as side_by_side:
            list(side_by_side.map(lambda work: self._run(*work), works))

    def _run(self, lab: Lab, environment: SampleEnvironment, version: str) -> None:
        """Pull a version and run it in place of the environment's container, as `docker run` would be typed."""
        docker = lab.docker(environment.engine)
        image = f"{lab.registry.address}/{self.repository_path}:{version}"
        docker.run("pull", "--quiet", image)
        if docker.inspect(environment.container) is not None:
            docker.run("stop", environment.container)
            docker.remove(environment.container)
        settings = environment.settings
        deviation = self.description.deviation_of(environment.container)
        memory = deviation.memory or settings.limits.memory
        options = ["--restart", settings.restart, "--stop-timeout", str(settings.stop_seconds)]
        options += ["--memory", str(memory), "--memory-swap", str(memory), "--cpus", str(settings.limits.cpus)]
        options += ["--pids-limit", str(settings.limits.pids), "--stop-signal", settings.stop_signal]
        for network in settings.networks:
            if network not in docker.run("network", "ls", "--format", "{{.Name}}").split():
                docker.run("network", "create", network)
            options += ["--network", network]
        for volume in settings.volumes:
            options += ["--volume", f"{volume.source}:{volume.target}"]
        variables = dict(deviation.variables or settings.variables)
        variables |= {name: sample_secret(environment.container, name) for name in settings.secrets}
        ports = {port.host: port.container for port in settings.ports}
        docker.start_container(image, environment.container, *options, variables=variables, ports=ports)

    def _deviate(self, lab: Lab) -> None:
        """Stop one container, and make one ill, as it happens."""
        for environment in self.description.environments:
            docker: Docker = lab.docker(environment.engine)
            match self.description.deviation_of(environment.container).deviation:
                case Deviation.STOPPED:
                    docker.run("stop", environment.container)
                case Deviation.UNHEALTHY:
                    # Without what answers, the health check gets nothing; the process itself runs on.
                    docker.execute(environment.container, "sh", "-c", "echo '#!/bin/sh' > /app/answer")
                    _await_unhealthy(docker, environment.container)
                case _:
                    pass

    # --- the catalog --------------------------------------------------------------------------------------------

    def _fill_catalog(self, lab: Lab) -> None:
        """Import the sample, with the addresses of the engines that run and with credentials for the keyring."""
        with self._import_folder() as folder:
            document = self.importable()
            for entry in document["engines"]:
                entry.update(self._way_to(lab.engine(entry["name"]), folder))
            (folder / "registry-password").write_text(lab.registry.password)
            document["registries"] = [
                {"host": lab.registry.address, "user": lab.registry.user, "password_file": "registry-password"}
            ]
            document["sources"][0]["repository"] = f"{lab.registry.address}/{self.repository_path}"
            self._give_secrets(document, folder)
            (folder / "sample.yaml").write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.place.uid, self.place.gid)
            self.console("catalog", "import", str(folder / "sample.yaml"), "--json", quiet=True)

    def _way_to(self, engine: LabEngine, folder: Path) -> dict[str, object]:
        """How the import file says where an engine is; what may be seen by its person alone goes into files."""
        if engine.spec.ssh:
            # No probe_host: whether a container is well is asked through the connection.
            server = engine.ssh
            (folder / f"{engine.name}-key").write_text(server.key.private)
            # The lab has made the host's key itself, so that it is known and nobody has to compare it.
            accepted = f"{server.host}:{PORT} {server.host_key().public}"
            return {"address": engine.url, "ssh": {"key": f"{engine.name}-key", "host_keys": [accepted]}}
        way: dict[str, object] = {"address": engine.url, "probe_host": engine.host}
        if engine.spec.tls:
            engine.client.write(folder / engine.name, (self.place.uid, self.place.gid))
            for field, file in (("ca", "ca.pem"), ("certificate", "cert.pem"), ("key", "key.pem")):
                way[field] = f"{engine.name}/{file}"
        return way

    def _give_secrets(
        self, document: dict[str, list[dict[str, list[dict[str, dict[str, object]]]]]], folder: Path
    ) -> None:
        (folder / "secrets").mkdir()
        for application in (*document["sources"], *document["mirrors"]):
            for environment in application["environments"]:
                settings = environment["settings"]
                given = {}
                for name in settings.get("secrets", []):  # type: ignore[attr-defined]
                    file = folder / "secrets" / f"{environment['container']}-{name}"
                    file.write_text(sample_secret(str(environment["container"]), str(name)))
                    given[name] = {"file": f"secrets/{file.name}"}
                settings["secrets"] = given

    @contextmanager
    def _import_folder(self) -> Iterator[Path]:
        """A folder for credentials on their way into the keyring; it is gone as soon as they are there."""
        folder = self.place.folder / "import"
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def _spec(name: str) -> EngineSpec:
    return EngineSpec(name, tls=name not in (LOCAL, BY_SSH), ssh=name == BY_SSH)


def _await_unhealthy(docker: Docker, container: str) -> None:
    """The engine's health check says so after a few questions."""
    until = time.monotonic() + 60
    while docker.health(container) != "unhealthy":
        if time.monotonic() > until:
            raise SystemExit(f"{container} didn't become unhealthy.")
        time.sleep(0.5)
