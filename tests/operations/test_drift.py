"""Drift and pending changes on the simulator: what is told, and what accepting, adopting and a rollout make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.alignment import Alignment, DriftKind
from mirror_console.domain.application import Application
from mirror_console.domain.applied import Applied, basis
from mirror_console.domain.cell import Cell
from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.environment import Environment, Limits, RestartPolicy
from mirror_console.domain.phrases import drift_words
from mirror_console.domain.plan import Change, Plan
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.errors import InvalidInput, NotAllowed
from mirror_console.operations.accepting import accept, undo
from mirror_console.operations.adoption import adopt, adoption
from mirror_console.operations.drift import DriftReport, drift_of
from mirror_console.operations.keyed import ABSENT, ANOTHER_KEY, KEY, LOCKED, NO_HASH, Keyed
from mirror_console.operations.overriding import override
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import check_engine, preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.vault import MemoryVault
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
VALUE, OTHER = "hidden-and-applied", "hidden-and-other"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(3, prepared=_prepare) as made:
        yield made


def _prepare(made: Fleet) -> None:
    """Three mirrors whose live was rolled out by the console, with a limit, a label, a secret and a plain variable."""
    made.publish("26.8.2", health_interval=0.02)
    for number, mirror in enumerate(made.mirrors, 1):
        reference = SecretReference(f"environment/{number}/SECRET_KEY")
        made.console.vault.put(reference, Secret(VALUE))
        made.with_settings(
            made.environment(mirror, "live"),
            limits=Limits(memory=256 * MIB),
            labels={"traefik.enable": "true"},
            secrets={"SECRET_KEY": reference},
        )
    refresh(made.console, made.jobs)
    rolled_out(made)


def rolled_out(fleet: Fleet, *mirrors: Application) -> Rollout:
    made = plan(fleet.console, "live", [mirror.id for mirror in mirrors or fleet.mirrors], QUICK)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    return Conductor(fleet.console, fleet.jobs, rollout).run()


def live(fleet: Fleet, number: int = 1) -> Environment:
    return fleet.environment(fleet.mirrors[number - 1], "live")


def cell(fleet: Fleet, number: int = 1) -> Cell:
    mirror = fleet.mirrors[number - 1]
    return next(row.cells["live"] for row in survey(fleet.console).rows if row.application.id == mirror.id)


def look(fleet: Fleet) -> None:
    refresh(fleet.console, fleet.jobs, inspect_all=True)


def report(fleet: Fleet, number: int = 1, *, ask_keyring: bool = False) -> DriftReport:
    return drift_of(fleet.console, live(fleet, number).id, ask_keyring=ask_keyring)


def told(fleet: Fleet, number: int = 1) -> list[str]:
    return [str(difference) for difference in report(fleet, number).drift]


def waiting(fleet: Fleet, number: int = 1, *, ask_keyring: bool = False) -> list[str]:
    return [str(difference) for difference in report(fleet, number, ask_keyring=ask_keyring).pending]


def record(fleet: Fleet, number: int = 1) -> Applied:
    with fleet.console.catalog.read() as books:
        return books.applied.of([live(fleet, number).id])[0]


def updated(fleet: Fleet, number: int = 1, memory: int = 512) -> None:
    """What ``docker update --memory … --restart always`` does."""
    container = fleet.container(f"mirror-{number:02}-live")
    container.host |= {"Memory": memory * MIB, "MemorySwap": memory * MIB}
    container.host["RestartPolicy"] = {"Name": "always", "MaximumRetryCount": 0}


def remade(
    fleet: Fleet, number: int = 1, port: int = 0, labels: dict[str, str] | None = None, **variables: str
) -> None:
    """Somebody has taken the container away and made another one by hand."""
    environment = live(fleet, number)
    engine = fleet.simulated.engines[environment.engine_id]
    engine.lose_container(environment.container)
    own = environment.settings
    engine.run(
        environment.container,
        f"{REPOSITORY}:26.8.2",
        labels={**own.labels, **(labels or {})},
        variables={**own.variables, **dict.fromkeys(own.secrets, VALUE), **variables},
        ports={one.container: port or one.host for one in own.ports},
        host={
            "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
            "Memory": own.limits.memory,
            "MemorySwap": own.limits.memory,
        },
    )
    look(fleet)


# --- what is recorded ---------------------------------------------------------------------------------------------


def test_right_after_a_rollout_nothing_differs_and_nothing_waits(fleet: Fleet) -> None:
    look(fleet)

    for number in (1, 2, 3):
        seen = cell(fleet, number)
        assert (seen.alignment, seen.pending) == (Alignment.ALIGNED, False)
        assert (told(fleet, number), waiting(fleet, number, ask_keyring=True)) == ([], [])
        kept = record(fleet, number)
        assert kept.container_id == fleet.container(f"mirror-{number:02}-live").id
        assert (kept.settings, kept.title, kept.by) == (live(fleet, number).settings, "26.8.2", "operator")
        assert kept.rollout_id
        assert list(kept.secrets) == ["SECRET_KEY"]
        assert VALUE not in repr(kept)
    assert record(fleet, 1).secrets != record(fleet, 2).secrets, "equal values of two environments look alike"
    assert fleet.console.vault.has(KEY)
    assert KEY.name not in (fleet.folder / "catalog" / "catalog.sqlite").read_bytes().decode("latin-1")


def test_a_rollout_that_was_put_back_leaves_the_record_of_before(fleet: Fleet) -> None:
    before = record(fleet)
    fleet.with_settings(live(fleet), variables={"DOMAIN": "new.example"})
    fleet.publish("26.8.3", behaviour=Behaviour.EXITS_AT_ONCE)
    refresh(fleet.console, fleet.jobs)

    rollout = rolled_out(fleet, fleet.mirrors[0])

    assert [target.state for target in rollout.targets] == [TargetState.PUT_BACK]
    look(fleet)
    assert record(fleet) == before
    assert told(fleet) == []
    assert waiting(fleet) == ["variable DOMAIN: as applied → another value"]
    assert cell(fleet).pending


# --- kinds of drift -----------------------------------------------------------------------------------------------


def test_what_was_changed_in_place_is_told_with_a_count(fleet: Fleet) -> None:
    updated(fleet)
    look(fleet)

    assert told(fleet) == ["memory limit: 256 MiB → 512 MiB", "restart policy: unless-stopped → always"]
    assert (cell(fleet).alignment, cell(fleet).drift) == (Alignment.DRIFTED, DriftKind.SETTINGS)
    assert not cell(fleet).pending
    assert told(fleet, 2) == []


def test_a_container_that_was_made_by_hand_is_known_although_it_is_the_same(fleet: Fleet) -> None:
    remade(fleet)

    assert told(fleet) == ["container: made by a rollout → made by hand"]
    assert cell(fleet).drift is DriftKind.BY_HAND


def test_a_container_that_was_made_by_hand_differs_from_what_was_applied(fleet: Fleet) -> None:
    remade(fleet, port=11999, labels={"team": "blue", "com.docker.compose.project": "x"}, DEBUG="1")

    assert told(fleet) == [
        "container: made by a rollout → made by hand",
        "ports: 11001→8080 → 11999→8080",
        "variable DEBUG: not set → set",
        "label team: not set → blue",
    ]


def test_another_value_of_a_secret_is_told_by_its_hash_and_never_shown(fleet: Fleet) -> None:
    remade(fleet, SECRET_KEY=OTHER)

    assert told(fleet)[1:] == ["variable SECRET_KEY: as applied → another value"]
    assert OTHER not in repr(report(fleet))
    for file in (fleet.folder / "catalog").iterdir():
        content = file.read_bytes()
        assert OTHER.encode() not in content
        assert VALUE.encode() not in content


class Shut(MemoryVault):
    """A keyring that is locked or absent; nobody is ever asked."""

    def __init__(self, how: VaultState) -> None:
        super().__init__()
        self.how = how

    def state(self) -> VaultState:
        return self.how


@pytest.mark.parametrize(("how", "words"), [(VaultState.LOCKED, LOCKED), (VaultState.ABSENT, ABSENT)])
def test_without_the_keyring_secrets_are_not_compared_and_nothing_fails(
    fleet: Fleet, how: VaultState, words: str
) -> None:
    remade(fleet, SECRET_KEY=OTHER)
    console = replace(fleet.console, vault=Shut(how))

    refresh(console, fleet.jobs, inspect_all=True)

    assert told(fleet) == ["container: made by a rollout → made by hand"]
    assert report(fleet).not_compared == words
    assert console.keyed.hashes("e", {"A": Secret(VALUE)}) == {}


def test_with_another_key_secrets_are_not_called_changed(fleet: Fleet) -> None:
    other = MemoryVault()
    other.put(KEY, Secret("another key"))

    refresh(replace(fleet.console, vault=other), fleet.jobs, inspect_all=True)

    assert (told(fleet), report(fleet).not_compared) == ([], ANOTHER_KEY)


def test_what_was_applied_without_a_hash_is_not_compared() -> None:
    keyed = Keyed(MemoryVault(), lambda: 0.0)
    marks = keyed.hashes("e", {"A": Secret(VALUE)})

    assert keyed.compare("e", {}, {"A": Secret(VALUE)}) == ({}, NO_HASH)
    assert keyed.compare("e", marks, {"A": Secret(VALUE)}) == ({"A": True}, "")
    assert keyed.compare("e", marks, {"A": Secret(OTHER)}) == ({"A": False}, "")
    assert keyed.compare("other", marks, {"A": Secret(VALUE)}) == ({"A": False}, "")


def test_a_keyring_that_is_locked_is_not_asked_for_each_container() -> None:
    class Counting(Shut):
        asked = 0

        def state(self) -> VaultState:
            self.asked += 1
            return super().state()

    vault, now = Counting(VaultState.LOCKED), [0.0]
    keyed = Keyed(vault, lambda: now[0])

    for _ in range(100):
        assert keyed.compare("e", {"A": "x"}, {"A": Secret(VALUE)}) == ({}, LOCKED)
    assert vault.asked == 1
    vault.how = VaultState.UNLOCKED
    now[0] = 5.0
    assert keyed.hashes("e", {"A": Secret(VALUE)}).keys() == {"A"}


def test_a_catalog_of_before_compares_with_what_its_last_rollout_planned(fleet: Fleet) -> None:
    environment = live(fleet)
    fleet.with_settings(environment, limits=Limits(memory=128 * MIB))
    with fleet.console.catalog.write() as books:
        books.applied.remove(environment.id, "web")
    updated(fleet)

    look(fleet)

    assert told(fleet) == ["memory limit: 256 MiB → 512 MiB", "restart policy: unless-stopped → always"]
    assert waiting(fleet) == ["memory limit: 256 MiB → 128 MiB"]
    assert cell(fleet).pending


# --- pending ------------------------------------------------------------------------------------------------------


def test_a_secret_that_was_replaced_in_the_keyring_waits_for_a_rollout(fleet: Fleet) -> None:
    fleet.console.vault.put(live(fleet).settings.secrets["SECRET_KEY"], Secret(OTHER))

    assert waiting(fleet) == [], "the keyring was asked though nobody wished it"
    assert waiting(fleet, ask_keyring=True) == ["variable SECRET_KEY: as applied → replaced in the keyring"]
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    assert [(target.application, target.change) for target in made.targets] == [("Mirror 01", Change.SETTINGS)]

    assert rolled_out(fleet).state is RolloutState.COMPLETED

    assert waiting(fleet, ask_keyring=True) == []
    look(fleet)
    assert (told(fleet), report(fleet).not_compared) == ([], "")


# --- accepting ----------------------------------------------------------------------------------------------------


def test_what_is_accepted_differs_no_more_and_waits_for_nothing(fleet: Fleet) -> None:
    updated(fleet)
    look(fleet)

    taken = accept(fleet.console, live(fleet).id)

    assert set(taken.fields) == {"memory limit", "restart policy"}
    assert (told(fleet), waiting(fleet)) == ([], [])
    assert cell(fleet).alignment is Alignment.ALIGNED
    look(fleet)
    assert (told(fleet), cell(fleet).pending) == ([], False)
    own = live(fleet).settings
    assert (own.limits.memory, own.restart) == (512 * MIB, RestartPolicy.ALWAYS)
    assert record(fleet).settings == own
    assert live(fleet, 2).settings.limits.memory == 256 * MIB


def test_one_field_is_accepted_and_the_others_stay_drift(fleet: Fleet) -> None:
    updated(fleet)
    look(fleet)

    accept(fleet.console, live(fleet).id, ["memory limit"])

    look(fleet)
    assert told(fleet) == ["restart policy: unless-stopped → always"]


def test_a_container_made_by_hand_is_accepted_with_its_secret(fleet: Fleet) -> None:
    remade(fleet, port=11999, labels={"team": "blue"}, SECRET_KEY=OTHER, DB_PASSWORD="hidden-too")
    reference = live(fleet).settings.secrets["SECRET_KEY"]

    taken = accept(fleet.console, live(fleet).id)

    look(fleet)
    assert (told(fleet), waiting(fleet, ask_keyring=True)) == ([], [])
    assert fleet.console.vault.get(reference).reveal() == OTHER
    own = live(fleet).settings
    assert fleet.console.vault.get(own.secrets["DB_PASSWORD"]).reveal() == "hidden-too"
    assert "hidden" not in repr(taken)
    assert record(fleet).container_id == fleet.container("mirror-01-live").id


def test_accepting_is_undone_with_the_keyring(fleet: Fleet) -> None:
    remade(fleet, SECRET_KEY=OTHER, DB_PASSWORD="hidden-too")
    before, applied, shown = live(fleet), record(fleet), told(fleet)
    taken = accept(fleet.console, before.id)

    undo(fleet.console, taken)

    assert (live(fleet), record(fleet), told(fleet)) == (before, applied, shown)
    assert fleet.console.vault.get(before.settings.secrets["SECRET_KEY"]).reveal() == VALUE
    assert not fleet.console.vault.has(SecretReference(f"environment/{before.id}/DB_PASSWORD"))
    with pytest.raises(NotAllowed, match="changed in the meantime"):
        undo(fleet.console, taken)


def test_accepting_is_refused_where_it_makes_no_sense(fleet: Fleet) -> None:
    with pytest.raises(InvalidInput, match="nothing differs"):
        accept(fleet.console, live(fleet).id)
    updated(fleet)
    look(fleet)
    with pytest.raises(InvalidInput, match="'ports' doesn't differ"):
        accept(fleet.console, live(fleet).id, ["ports"])
    with pytest.raises(NotAllowed):
        accept(replace(fleet.console, read_only="support"), live(fleet).id)
    assert live(fleet).settings.limits.memory == 256 * MIB


def test_what_settings_have_no_place_for_is_not_taken_over(fleet: Fleet) -> None:
    remade(fleet, labels={"bell\x07": "a", "team": "blue"})
    # A variable of the image that was taken away again.
    container = fleet.container("mirror-01-live")
    gone = next(entry for entry in container.image.config["Env"])
    container.config["Env"].remove(gone)
    look(fleet)
    before = live(fleet)
    variable = f"variable {gone.partition('=')[0]}"

    with pytest.raises(InvalidInput, match="settings have no place for it") as refused:
        accept(fleet.console, before.id)

    assert {problem.field for problem in refused.value.problems} == {variable, "label bell"}
    assert live(fleet) == before
    assert "team" in accept(fleet.console, before.id, ["label team"]).after[0].settings.labels
    with pytest.raises(InvalidInput, match="kept by holding its environment"):
        accept(fleet.console, before.id, ["image"])


def test_accepting_waits_while_a_rollout_is_at_work_there(fleet: Fleet) -> None:
    updated(fleet)
    look(fleet)
    made = plan(fleet.console, "live", [fleet.mirrors[0].id], QUICK)
    start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")

    with pytest.raises(NotAllowed, match="is running there"):
        accept(fleet.console, live(fleet).id)


# --- adopting -----------------------------------------------------------------------------------------------------


def test_what_is_adopted_goes_to_the_mirrors_that_follow_the_template(fleet: Fleet) -> None:
    with fleet.console.catalog.write() as books:
        source = books.applications.get("source")
        books.applications.save(
            replace(source, template=replace(live(fleet).settings, secrets={}, ports=(), variables={}))
        )
    fleet.with_settings(live(fleet, 3), limits=Limits(memory=1024 * MIB))
    updated(fleet)
    look(fleet)

    wished = adoption(fleet.console, live(fleet).id, ["memory limit"])
    assert wished.words == "1 other environment follows the template here, and will be pending."
    taken = adopt(fleet.console, wished)

    with fleet.console.catalog.read() as books:
        template = books.applications.get("source").template
    assert template is not None
    assert template.limits.memory == 512 * MIB
    assert [live(fleet, number).settings.limits.memory // MIB for number in (1, 2, 3)] == [512, 512, 1024]
    assert told(fleet) == ["restart policy: unless-stopped → always"]
    assert (waiting(fleet), waiting(fleet, 2)) == ([], ["memory limit: 256 MiB → 512 MiB"])
    assert (cell(fleet).pending, cell(fleet, 2).pending) == (False, True)
    assert fleet.container("mirror-02-live").host["Memory"] == 256 * MIB, "adopting changed an engine"

    undo(fleet.console, taken)

    assert [live(fleet, number).settings.limits.memory // MIB for number in (1, 2, 3)] == [256, 256, 1024]
    assert waiting(fleet, 2) == []


def test_what_belongs_to_one_placement_is_not_adopted(fleet: Fleet) -> None:
    remade(fleet, port=11999, SECRET_KEY=OTHER, MODE="new")

    with pytest.raises(InvalidInput, match="ports belong to the engine that it runs on"):
        adoption(fleet.console, live(fleet).id, ["ports"])
    with pytest.raises(InvalidInput, match="values of secrets belong to one environment alone"):
        adoption(fleet.console, live(fleet).id, ["variable SECRET_KEY"])
    wished = adoption(fleet.console, live(fleet).id)
    assert wished.fields == ("variable MODE",)
    assert [problem.field for problem in wished.left_out] == ["container", "ports", "variable SECRET_KEY"]
    assert len(wished.followers) == 2


def test_adopting_is_refused_where_something_changed_since_it_was_shown(fleet: Fleet) -> None:
    updated(fleet)
    look(fleet)
    wished = adoption(fleet.console, live(fleet).id)
    fleet.with_settings(live(fleet, 2), variables={"DOMAIN": "meanwhile.example"})

    with pytest.raises(NotAllowed, match="changed in the meantime"):
        adopt(fleet.console, wished)

    assert live(fleet).settings.limits.memory == 256 * MIB


# --- correcting ---------------------------------------------------------------------------------------------------


def test_a_rollout_brings_the_catalogs_settings_back(fleet: Fleet) -> None:
    remade(fleet, labels={"team": "blue"}, SECRET_KEY=OTHER)
    made = plan(fleet.console, "live", [fleet.mirrors[0].id], QUICK)
    checked = preflight(fleet.console, fleet.jobs, made)

    assert [target.change for target in made.targets] == [Change.SETTINGS]
    drift = next(result for result in checked.results if result.check is Check.DRIFT)
    assert drift.answer is Answer.WARNING
    assert drift.words == (
        "What became different there is lost by this rollout: container: made by a rollout → made by hand; "
        "variable SECRET_KEY: as applied → another value; label team: not set → blue."
    )
    assert Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test")).run().state is (
        RolloutState.COMPLETED
    )
    look(fleet)
    assert (told(fleet), waiting(fleet)) == ([], [])
    assert cell(fleet).alignment is Alignment.ALIGNED
    assert f"SECRET_KEY={VALUE}" in fleet.container("mirror-01-live").config["Env"]
    assert "team" not in fleet.container("mirror-01-live").config["Labels"]


def drift_check(fleet: Fleet, made: Plan, number: int = 1) -> CheckResult:
    checked = preflight(fleet.console, fleet.jobs, made)
    wanted = live(fleet, number).id
    return next(one for one in checked.of(wanted) if one.check is Check.DRIFT)


def test_a_release_that_would_undo_what_was_changed_by_hand_waits_for_a_decision(fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    look(fleet)
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    assert drift_check(fleet, made).answer is Answer.PASS
    # After the plan, and after the last look at the engine: the container itself is asked.
    updated(fleet)
    blocked = drift_check(fleet, made)
    assert blocked.answer is Answer.BLOCKED
    assert blocked.words == (
        "What became different there is lost by this rollout: memory limit: 256 MiB → 512 MiB; "
        "restart policy: unless-stopped → always."
    )
    for way in ("drift accept", "drift adopt", "override", "leave the mirror out"):
        assert way in blocked.remedy
    assert drift_check(fleet, made, 2).answer is Answer.PASS, "the others go"
    # Before its wave it is asked again.
    engine = fleet.console.engine("alpha")
    again = check_engine(fleet.console, fleet.jobs, engine, [made.targets[0]])
    assert [one.check for one in again if one.blocks] == [Check.DRIFT]
    # Overwritten, as a person says why.
    checked = preflight(fleet.console, fleet.jobs, made)
    said = override(fleet.console, checked, [blocked], "was tried out in the night")
    rollout = start(fleet.console, made, said, "a test", typed=3)
    assert Conductor(fleet.console, fleet.jobs, rollout).run().state is RolloutState.COMPLETED
    assert fleet.container("mirror-01-live").host["Memory"] == 256 * MIB


def test_what_was_accepted_blocks_no_release_and_what_was_only_made_again_neither(fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    updated(fleet)
    look(fleet)
    accept(fleet.console, live(fleet).id)
    remade(fleet, 3)
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    assert {target.change for target in made.targets} == {Change.UPDATE}
    assert drift_check(fleet, made).answer is Answer.PASS
    again = drift_check(fleet, made, 3)
    assert (again.answer, again.words.endswith("made by a rollout → made by hand.")) == (Answer.WARNING, True)


def test_where_nobody_knows_what_was_applied_a_release_is_only_warned_of() -> None:
    with small_fleet(2) as fleet:
        fleet.publish("26.8.2", health_interval=0.02)
        fleet.run_mirrors("26.8.2")
        updated(fleet)
        fleet.publish("26.8.3", health_interval=0.02)
        look(fleet)
        made = plan(fleet.console, "live", [fleet.mirrors[0].id], QUICK)
        assert drift_check(fleet, made).answer is Answer.WARNING


def test_what_no_rollout_has_made_waits_for_a_change_of_ours_and_is_not_said_to_be_changed_by_hand() -> None:
    with small_fleet(2) as fleet:
        fleet.publish("26.8.2", health_interval=0.02)
        fleet.run_mirrors("26.8.2")
        look(fleet)
        assert told(fleet) == told(fleet, 2) == []
        updated(fleet, memory=512)
        look(fleet)
        words = "2 settings differ from what the catalog says (memory limit, restart policy)"
        assert drift_words(cell(fleet)) == words, "who changed them nobody knows"
        found = adoption(fleet.console, live(fleet).id, ("memory limit",))
        assert [after.id for _, after in found.followers] == [live(fleet, 2).id]
        adopt(fleet.console, found)
        assert cell(fleet, 2).pending
        assert (record(fleet, 2).by, record(fleet, 2).rollout_id) == ("", ""), "nobody has applied anything there"
        assert basis(record(fleet, 2)) == "what the catalog said before, as no rollout is on record here"
        assert basis(record(fleet)) == "what was last applied"
        look(fleet)
        assert told(fleet, 2) == []
        assert waiting(fleet, 2) == ["memory limit: none → 512 MiB"]
        updated(fleet, 2, memory=256)
        updated(fleet, memory=256)
        look(fleet)
        assert "differ from what the catalog says" in drift_words(cell(fleet, 2))
        assert "were changed by hand" in drift_words(cell(fleet)), "since it was taken over"
        assert cell(fleet, 2).pending
