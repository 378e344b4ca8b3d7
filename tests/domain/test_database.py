"""Which database an address means, however it is written, and on whichever engine its host is looked up."""

from __future__ import annotations

import pytest

from mirror_console.domain.database import database

SHOP = "postgresql://shop:one@db.example:5432/shop"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (SHOP, "postgres://shop:two@DB.example/shop?sslmode=require", True),
        (SHOP, "postgresql+psycopg://shop@db.example./shop", True),
        (SHOP, "jdbc:postgresql://db.example/shop?user=shop&password=three", True),
        # Without a name it is the one that is called as the user is.
        (SHOP, "postgres://shop@db.example", True),
        (SHOP, "postgres://shop:one@db.example:5433/shop", False),
        (SHOP, "postgres://shop:one@db.example/blog", False),
        (SHOP, "postgres://blog:one@db.example/shop", False),
        (SHOP, f"{SHOP}?schema=blog", False),
        (f"{SHOP}?schema=blog", "jdbc:postgresql://db.example/shop?user=shop&currentSchema=blog", True),
        (SHOP, "mysql://shop:one@db.example:5432/shop", False),
        ("mysql2://a:b@10.0.0.5/shop", "mariadb://a:c@10.0.0.5:3306/shop", True),
        ("mongodb+srv://a:b@db.example/shop", "mongodb://a:b@db.example/shop", True),
        ("postgres://a@[fd00::5]/shop", "postgres://a@[fd00:0::5]/shop", True),
    ],
)
def test_an_address_means_the_same_database_or_another(one: str, other: str, same: bool) -> None:
    first, second = (database(value, "alpha", ()) for value in (one, other))
    assert first
    assert second
    assert (first == second) is same


@pytest.mark.parametrize(
    "value",
    ["", "shop", "https://shop.example/shop", "redis://cache.example/0", "postgres:///shop", "postgres://db.example/",
     "postgres://a@db.example:port/shop", "postgres://a@${HOST}/shop", "postgres://a@localhost/shop",
     "postgres://[::1", "x" * 3000],
)  # fmt: skip
def test_what_is_no_address_of_a_database_that_could_be_anothers(value: str) -> None:
    assert database(value, "alpha", ("shop",)) == ""


@pytest.mark.parametrize(
    ("host", "networks", "on_one_engine", "on_two"),
    [
        ("db.example", ("a",), True, True),
        ("192.168.4.7", ("a",), True, True),
        ("172.17.0.1", ("a",), True, False),
        ("host.docker.internal", ("a",), True, False),
        ("db", ("a",), True, False),
        ("127.0.0.1", ("host",), True, False),
        ("127.0.0.1", ("a",), False, False),
    ],
)
def test_a_name_of_one_engine_is_no_name_of_another(
    host: str, networks: tuple[str, ...], on_one_engine: bool, on_two: bool
) -> None:
    value = f"postgres://shop@{host}/shop"
    here = database(value, "alpha", networks)
    assert (here != "" and here == database(value, "alpha", networks)) is on_one_engine
    assert (here != "" and here == database(value, "berlin", networks)) is on_two


def test_in_which_of_several_networks_a_name_is_found_is_not_known() -> None:
    """Two may share the network of a proxy, and each have a database of that name in one of its own."""
    value = "postgres://shop@db/shop"
    assert database(value, "alpha", ("a", "proxy")) == database(value, "alpha", ("proxy", "a")) != ""
    others = (("b", "proxy"), ("proxy",), ("a",), ())
    assert database(value, "alpha", ("a", "proxy")) not in {database(value, "alpha", one) for one in others}


@pytest.mark.parametrize(
    "password", ["pa/ss", "12/ss", "p#ss", "p?ss", "p@ss", "p%ZZ", "p:ss", "[::1", "\udcff", "\x00"]
)
def test_no_password_is_part_of_what_is_compared_or_raises(password: str) -> None:
    found = database(f"postgres://shop:{password}@db.example/shop", "alpha", ("a",))
    assert "ss" not in found
