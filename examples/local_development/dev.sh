#!/bin/sh
# Development with no Docker, and with no Redis installed: `./dev.sh` starts a server, then the application, and Ctrl-C ends
# both. `REDIS_URL=redis://staging.example.com:6379/0 ./dev.sh` starts the application on a real server.
set -eu

if [ -z "${REDIS_URL:-}" ]; then
    export REDIS_URL="redis://127.0.0.1:${REDIS_PORT:-6379}/0"
    redouble --port "${REDIS_PORT:-6379}" &
    trap "kill $! 2>/dev/null || true" EXIT INT TERM
    until redouble ping "$REDIS_URL" >/dev/null 2>&1; do sleep 0.1; done
fi

python app.py
