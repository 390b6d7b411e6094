"""redis-om: models in hashes and JSON documents, their indexes, and what is found with them; in process and over TCP."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest

redis_om = pytest.importorskip("redis_om")

import redis  # noqa: E402

from redouble import FakeRedis  # noqa: E402


@pytest.fixture(params=["in process", "url"])
def database(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "url":
        made = redis.Redis.from_url(request.getfixturevalue("url"), decode_responses=True)
    else:
        made = FakeRedis(version="7.4", decode_responses=True)
    with made:
        yield made


def migrate(*models: Any) -> None:
    """Make the indexes of these models, not of those that other tests have declared."""
    registry = redis_om.model.model.model_registry
    registry.clear()
    registry.update({f"{model.__module__}.{model.__qualname__}": model for model in models})
    redis_om.Migrator().run()


class Keeper(redis_om.HashModel, index=True):  # type: ignore[misc, name-defined]
    name: str = redis_om.Field(index=True)
    age: int = redis_om.Field(index=True, sortable=True)
    joined: datetime.date
    bio: str | None = redis_om.Field(index=True, full_text_search=True, default="")

    class Meta:
        global_key_prefix = "zoo"


class Place(redis_om.EmbeddedJsonModel, index=True):  # type: ignore[misc, name-defined]
    town: str = redis_om.Field(index=True)
    at: redis_om.Coordinates = redis_om.Field(index=True)  # type: ignore[name-defined]


class Animal(redis_om.JsonModel, index=True):  # type: ignore[misc, name-defined]
    name: str = redis_om.Field(index=True, full_text_search=True)
    weight: float = redis_om.Field(index=True)
    likes: list[str] = redis_om.Field(index=True)
    born: Place

    class Meta:
        global_key_prefix = "zoo"


def test_hashes(database: Any) -> None:
    Keeper._meta.database = database
    migrate(Keeper)
    ada = Keeper(name="Ada", age=38, joined=datetime.date(2024, 1, 2), bio="feeds the penguins")
    bob = Keeper(name="Bob O'Neil", age=25, joined=datetime.date(2023, 3, 4), bio="cleans the penguin pool")
    Keeper.add([ada, bob])
    assert Keeper.get(ada.pk).joined == datetime.date(2024, 1, 2)
    assert Keeper.find(Keeper.name == "Ada").all() == [ada]
    assert Keeper.find((Keeper.age > 20) & (Keeper.age <= 30)).first() == bob
    assert Keeper.find((Keeper.name == "Bob O'Neil") | (Keeper.age == 38)).sort_by("-age").all() == [ada, bob]
    assert Keeper.find(Keeper.bio % "penguin").sort_by("age").all() == [bob, ada]
    assert Keeper.find(Keeper.bio % "feed*").count() == 1
    assert Keeper.find(Keeper.name << ["Ada", "Eve"]).all() == [ada]
    assert Keeper.find(Keeper.name != "Ada").page(0, 1) == [bob]
    ada.update(age=39)
    assert Keeper.find(Keeper.age == 39).all() == [ada]
    with pytest.raises(redis_om.NotFoundError):
        Keeper.find(Keeper.age == 38).first()
    assert Keeper.delete(ada.pk) == 1
    assert list(Keeper.all_pks()) == [bob.pk]


def test_documents(database: Any) -> None:
    Place._meta.database = Animal._meta.database = database
    migrate(Animal)
    berlin = Place(town="Berlin", at=(52.5, 13.4))
    lima = Place(town="Lima", at=(-12.0, -77.0))
    bao = Animal(name="Bao the panda", weight=81.5, likes=["bamboo", "sleep"], born=berlin).save()
    pip = Animal(name="Pip", weight=4.25, likes=["fish", "sleep"], born=lima).save()
    assert Animal.get(bao.pk) == bao
    assert Animal.find(Animal.likes << "sleep").sort_by("weight").all() == [pip, bao]
    assert Animal.find(Animal.likes << ["bamboo"]).all() == [bao]
    assert Animal.find(Animal.born.town == "Lima").all() == [pip]
    assert Animal.find(Animal.weight < 5.0).all() == [pip]
    assert Animal.find(Animal.name % "panda").all() == [bao]
    near = redis_om.GeoFilter(longitude=13.0, latitude=52.0, radius=100, unit="km")
    assert Animal.find(Animal.born.at == near).all() == [bao]
    pip.weight = 5.5
    pip.save()
    assert Animal.find(Animal.weight >= 5.5).sort_by("-weight").all() == [bao, pip]
    assert Animal.find(~(Animal.born.town == "Lima")).all() == [bao]
    Animal.find(Animal.likes << "sleep").delete()
    assert Animal.find().count() == 0
