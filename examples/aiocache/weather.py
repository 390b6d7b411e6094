"""The application: a forecast is asked for once in ten minutes."""

from __future__ import annotations

from aiocache import Cache, cached
from aiocache.serializers import JsonSerializer


async def ask(city: str) -> dict[str, str]:
    raise NotImplementedError("the weather service is far away")


@cached(ttl=600, cache=Cache.REDIS, key_builder=lambda _, city: f"weather:{city}", serializer=JsonSerializer())
async def forecast(city: str) -> dict[str, str]:
    return await ask(city)
