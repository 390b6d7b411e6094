"""A program written for Redis, with redis-py and nothing else: a game's leaderboard.

python examples/leaderboard.py redis://127.0.0.1:6379
"""

from __future__ import annotations

import sys
import threading

import redis


def main(url: str) -> None:
    r = redis.Redis.from_url(url, decode_responses=True)
    r.delete("scores", "queue", "profile:ada")

    r.zadd("scores", {"ada": 3120, "bob": 2480, "cem": 2975})
    r.zincrby("scores", 600, "bob")
    print(
        "leaderboard ",
        " ".join(f"{name} {score:.0f}" for name, score in r.zrange("scores", 0, -1, desc=True, withscores=True)),
    )

    with r.pipeline(transaction=True) as pipe:
        pipe.hset("profile:ada", mapping={"level": "7", "guild": "north"})
        pipe.expire("profile:ada", 60)
        pipe.hgetall("profile:ada")
        pipe.ttl("profile:ada")
        print("transaction ", pipe.execute()[2:])

    waiting = threading.Thread(target=lambda: print("blocking pop", r.blpop(["queue"], timeout=5)))
    waiting.start()
    r.rpush("queue", "job 1")
    waiting.join()

    channel = r.pubsub(ignore_subscribe_messages=True)
    channel.subscribe("news")
    channel.get_message(timeout=1)
    r.publish("news", "bob takes the lead")
    message = channel.get_message(timeout=1)
    print("pub/sub     ", message and message["data"])
    channel.close()

    info = r.info("server")
    print("the server  ", info.get("server_name", "redis"), info.get("redis_version"))
    r.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "redis://127.0.0.1:6379")
