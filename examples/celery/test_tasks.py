"""Celery: the application gets the URL of the fixture's server, and a worker runs in a thread.

Broker and results are on a socket, so the same server also serves workers in processes of their own, which are given that
URL: `celery -A tasks worker`.
"""

import gc

import pytest
from celery.contrib.testing.worker import start_worker

from tasks import app, count, count_all


@pytest.fixture(autouse=True)
def results(redouble_url):
    """They unsubscribe when they are collected: on PyPy that could be when their server has gone."""
    yield
    gc.collect()


@pytest.fixture
def worker(redouble_url):
    app.conf.update(broker_url=redouble_url, result_backend=redouble_url)
    with start_worker(app, pool="solo", perform_ping_check=False):
        yield
    app.close()


def test_a_task(worker):
    assert count.delay("to be or not to be").get(timeout=10) == 6


def test_a_chord(worker, redouble):
    result = count_all(["to be", "or not", "to be"])
    assert result.get(timeout=10) == 6
    assert redouble.llen("celery") == 0


def test_a_task_without_a_worker(redouble_url, redouble):
    app.conf.update(broker_url=redouble_url, result_backend=redouble_url)
    assert count.delay("to be").state == "PENDING"
    assert redouble.llen("celery") == 1
    app.close()
