"""An archive loses the layers that its target has, and nothing else, however it is cut into pieces."""

from __future__ import annotations

import hashlib
import io
import itertools
import tarfile
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.operations.thinning import Thinner, shared

CONTENTS = [b"base" * 3000, b"", b"middle" * 5000, b"top" * 700]
LAYERS = [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in CONTENTS]
DIGITS = [layer[7:] for layer in LAYERS]
CONFIG = '{"Hostname":"","Env":null,"Labels":null}'


def _archive(files: Sequence[tuple[str, bytes]], form: int = tarfile.USTAR_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def _names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def _thinned(archive: bytes, held: int, cuts: Sequence[int] = (), layers: Sequence[str] = LAYERS) -> tuple[bytes, int]:
    thinner = Thinner(layers, held)
    places = [0, *sorted({cut % len(archive) for cut in cuts}), len(archive)]
    pieces = [archive[start:end] for start, end in itertools.pairwise(places)]
    return b"".join(map(thinner.feed, pieces)), thinner.left_out


def _by_digest(prefix: str = "", suffix: str = "/layer.tar") -> list[tuple[str, bytes]]:
    layers = [(f"{prefix}{digits}{suffix}", content) for digits, content in zip(DIGITS, CONTENTS, strict=True)]
    return [("config.json", b"{}"), *layers, ("manifest.json", b"[]")]


def _as_docker_20(created: str = "1970-01-01T00:00:00Z") -> tuple[list[tuple[str, bytes]], list[str]]:
    """As Docker 20.10 writes it: folders by an id that says nothing of the content. Returns the files and the ids."""
    chain, parent, files, ids = "", "", [], []
    for layer, content in zip(LAYERS, CONTENTS, strict=True):
        chain = f"sha256:{hashlib.sha256(f'{chain} {layer}'.encode()).hexdigest()}" if chain else layer
        told = {"created": f'"{created}"', "container_config": CONFIG}
        if layer == LAYERS[-1]:  # that of the image itself tells of it too
            told |= {"config": '{"Env":["A=b"],"Cmd":null}', "architecture": '"amd64"', "os": '"linux"'}
        proved = told | {"layer_id": f'"{chain}"'} | ({"parent": f'"sha256:{parent}"'} if parent else {})
        identity = hashlib.sha256(_object({key: proved[key] for key in sorted(proved)})).hexdigest()
        text = {"id": f'"{identity}"'} | ({"parent": f'"{parent}"'} if parent else {}) | told | {"os": '"linux"'}
        files.append((f"{identity}/VERSION", b"1.0"))
        files += [(f"{identity}/json", _object(text)), (f"{identity}/layer.tar", content)]
        ids.append(identity)
        parent = identity
    files.sort()
    return [*files, ("manifest.json", b"[]")], ids


def _object(members: Mapping[str, str]) -> bytes:
    return ("{" + ",".join(f'"{key}":{value}' for key, value in members.items()) + "}").encode()


@pytest.mark.parametrize(("prefix", "suffix"), [("", "/layer.tar"), ("", ".tar"), ("blobs/sha256/", "")])
@pytest.mark.parametrize("held", [0, 1, 2, 3, 4])
def test_the_layers_that_are_there_are_left_out(prefix: str, suffix: str, held: int) -> None:
    files = _by_digest(prefix, suffix)
    thinned, left_out = _thinned(_archive(files), held, [100, 512, 5000, 20000])
    assert thinned == _archive([files[0], *files[1 + held :]])[: len(thinned)]
    assert _names(thinned) == [name for name, _ in (files[0], *files[1 + held :])]
    assert left_out == sum(map(len, CONTENTS[:held]))


@pytest.mark.parametrize("created", ["1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00"])
def test_layers_are_told_apart_by_what_proves_them(created: str) -> None:
    files, ids = _as_docker_20(created)
    for held in range(5):
        thinned, _ = _thinned(_archive(files), held, range(0, 60000, 777))
        left_out = set(_names(_archive(files))) - set(_names(thinned))
        assert left_out == {f"{identity}/layer.tar" for identity in ids[:held]}


def test_what_only_claims_to_be_a_layer_stays() -> None:
    files, ids = _as_docker_20()
    lied = [(name, content.replace(b"1970", b"1971") if name.endswith("json") else content) for name, content in files]
    archive = _archive(lied)
    assert _thinned(archive, 3)[0] == archive
    # One with the right description in the folder of another.
    moved = [(name.replace(ids[0], ids[3]) if name.endswith("json") else name, content) for name, content in files]
    assert f"{ids[3]}/layer.tar" in _names(_thinned(_archive(moved), 3)[0])


def test_a_layer_that_comes_again_further_up_is_sent() -> None:
    layers = [LAYERS[0], LAYERS[1], LAYERS[2], LAYERS[0]]
    archive = _archive(_by_digest())
    thinned, _ = _thinned(archive, 2, layers=layers)
    assert set(_names(archive)) - set(_names(thinned)) == {f"{DIGITS[1]}/layer.tar"}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_and_what_more_is_said_of_a_file_go_with_it(form: int) -> None:
    long = "x" * 120 + "/"
    files = [(long + "a", b"a" * 600), *_by_digest("blobs/sha256/", ""), (long + "b", b"b")]
    archive = _archive(files, form)
    thinned, _ = _thinned(archive, 3, range(0, 60000, 333))
    assert _names(thinned) == [name for name, _ in files if name[13:] not in DIGITS[:3]]
    with tarfile.open(fileobj=io.BytesIO(thinned)) as opened:
        content = opened.extractfile(long + "a")
        assert content is not None
        assert content.read() == b"a" * 600


@pytest.mark.parametrize(
    "noise", [b"", b"no archive" * 900, hashlib.shake_256(b"1").digest(40_000), b"\0" * 30_000], ids=range(4)
)
def test_what_is_no_archive_passes_by(noise: bytes) -> None:
    assert b"".join(map(Thinner(LAYERS, 3).feed, [noise[:700], noise[700:]])) == noise


@given(st.lists(st.integers(0, 10**6), max_size=60), st.integers(0, 4), st.booleans())
def test_where_it_is_cut_makes_no_difference(cuts: list[int], held: int, old: bool) -> None:
    archive = _archive(_as_docker_20()[0] if old else _by_digest())
    assert _thinned(archive, held, cuts) == _thinned(archive, held)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=4), st.lists(st.sampled_from("abc"), max_size=5))
def test_shared_layers_are_those_from_the_base_up(others: list[list[str]], layers: list[str]) -> None:
    number = shared(layers, others)
    assert 0 <= number <= len(layers)
    assert number == 0 or any(other[:number] == layers[:number] for other in others)
    assert not any(other[: number + 1] == layers[: number + 1] for other in others if number < len(layers))
