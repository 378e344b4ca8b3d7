"""Which database an address means, however it is written, and on whichever engine its host is looked up."""

from __future__ import annotations

import pytest

from mirror_console.domain.database import databases

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
        (SHOP, "mysql://shop:one@db.example:5432/shop", False),
        ("mysql2://a:b@10.0.0.5/shop", "mariadb://a:c@10.0.0.5:3306/shop", True),
        ("mongodb+srv://a:b@db.example/shop", "mongodb://a:b@db.example/shop", True),
        ("postgres://a@[fd00::5]/shop", "postgres://a@[fd00:0::5]/shop", True),
    ],
)
def test_an_address_means_the_same_database_or_another(one: str, other: str, same: bool) -> None:
    first, second = (databases(value, "alpha", ()) for value in (one, other))
    assert first
    assert second
    assert bool(first & second) is same


@pytest.mark.parametrize(
    "value",
    ["", "shop", "https://shop.example/shop", "redis://cache.example/0", "postgres:///shop", "postgres://db.example/",
     "postgres://a@db.example:port/shop", "postgres://a@${HOST}/shop", "postgres://a@localhost/shop",
     "postgres://[::1", "x" * 3000],
)  # fmt: skip
def test_what_is_no_address_of_a_database_that_could_be_anothers(value: str) -> None:
    assert databases(value, "alpha", ("shop",)) == frozenset()


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
    here = databases(value, "alpha", networks)
    assert bool(here & databases(value, "alpha", networks)) is on_one_engine
    assert bool(here & databases(value, "berlin", networks)) is on_two


def test_a_name_is_looked_up_in_each_network() -> None:
    value = "postgres://shop@db/shop"
    both = databases(value, "alpha", ("a", "b"))
    assert both & databases(value, "alpha", ("b",))
    assert not databases(value, "alpha", ("c",)) & both
