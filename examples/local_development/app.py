"""The application: a page that counts its visits. `REDIS_URL` says where, and nothing else tells one server from another."""

from __future__ import annotations

import os
import signal
from wsgiref.simple_server import make_server

import redis

client = redis.Redis.from_url(os.environ["REDIS_URL"])


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"visit number %d\n" % client.incr("visits")]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it, also in the middle of a request
    with make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), app) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()
