"""RQ: its queue gets the fixture's client, and `SimpleWorker` works the queue off in this process.

`rq worker`, which forks, is a program of its own: it gets the URL of the same server, from the fixture `redouble_url`.
"""

import subprocess
import sys

import pytest
import rq

from thumbnails import upload


@pytest.fixture
def queue(redouble):
    return rq.Queue("pictures", connection=redouble)


def test_a_worker_in_this_process(queue):
    job = upload(queue, "cat.png")
    rq.SimpleWorker([queue]).work(burst=True)
    assert job.return_value() == "cat.small.png"


def test_a_job_that_fails_is_tried_twice(queue):
    job = upload(queue, "cat.txt")
    rq.SimpleWorker([queue]).work(burst=True)
    assert job.is_failed
    assert "cat.txt is no picture" in job.latest_result().exc_string
    job.refresh()
    assert job.retries_left == 0


def test_a_worker_in_a_process_of_its_own(queue, redouble_url):
    job = upload(queue, "cat.png")
    subprocess.run([sys.executable, "-m", "rq.cli", "worker", "--burst", "--url", redouble_url, "pictures"], check=True)
    assert job.return_value() == "cat.small.png"
