"""RQ: workers that fork in processes of their own over TCP, as `rq worker` starts them, and SimpleWorker in process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

rq = pytest.importorskip("rq")

import redis  # noqa: E402
from rq.command import send_shutdown_command, send_stop_job_command  # noqa: E402
from rq.cron import CronScheduler  # noqa: E402
from rq.group import Group  # noqa: E402
from rq.job import JobStatus  # noqa: E402
from rq.registry import (  # noqa: E402  # noqa: E402
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)
from rq.scheduler import RQScheduler  # noqa: E402

from redouble import FakeRedis  # noqa: E402
from tests.frameworks import rq_jobs as jobs  # noqa: E402

ROOT = Path(__file__).parents[2]


def run(url: str, name: str, *arguments: str) -> str:
    """`rq name arguments...`, to its end."""
    command = [sys.executable, "-m", "rq.cli", name, "--url", url, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@contextmanager
def running(url: str, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "rq.cli", name, "--url", url, *arguments]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def connection(url: str) -> Iterator[Any]:
    with redis.Redis.from_url(url, socket_timeout=60) as connection:  # redis-py 8 gives a BLPOP of 60 seconds only 5
        yield connection


def test_a_worker_that_forks_works_off_100_jobs(url: str, connection: Any) -> None:
    queue = rq.Queue(connection=connection)
    sums = [queue.enqueue(jobs.add, i, i, result_ttl=300, meta={"number": i}) for i in range(60)]
    failing = [queue.enqueue(jobs.fail, f"number {i}", failure_ttl=600) for i in range(10)]
    retried = [queue.enqueue(jobs.fail_once, retry=rq.Retry(max=2)) for _ in range(10)]
    totals = [queue.enqueue(jobs.sum_of_dependencies, depends_on=sums[i : i + 3]) for i in range(10)]
    cancelled = queue.enqueue(jobs.add, 1, 1)
    after_cancelled = queue.enqueue(jobs.add, 1, 1, depends_on=cancelled)
    cancelled.cancel()
    forgotten = queue.enqueue(jobs.add, 1, 1, result_ttl=0)
    after_failure = queue.enqueue(jobs.add, 2, 2, depends_on=rq.job.Dependency(jobs=failing[:2], allow_failure=True))
    urgent = [queue.enqueue(jobs.add, i, 1, at_front=True) for i in range(6)]
    assert queue.job_ids[0] == urgent[-1].id
    assert len(queue) == 60 + 10 + 10 + 1 + 6

    output = run(url, "worker", "--burst")

    assert queue.is_empty()
    assert [job.return_value() for job in sums] == [2 * i for i in range(60)]
    assert [job.get_meta() for job in sums] == [{"number": i} for i in range(60)]
    assert [job.return_value() for job in totals] == [6 * i + 6 for i in range(10)]
    assert [job.return_value() for job in urgent] == [i + 1 for i in range(6)]
    assert after_failure.return_value() == 4
    for i, job in enumerate(failing):
        assert job.get_status() == JobStatus.FAILED
        assert job.latest_result().exc_string.endswith(f"ValueError: number {i}\n")
    for job in retried:
        assert job.get_status() == JobStatus.FINISHED
        assert job.return_value() == "done"
        assert job.get_meta() == {"attempts": 2}
    assert cancelled.get_status() == JobStatus.CANCELED
    assert after_cancelled.get_status() == JobStatus.DEFERRED
    assert not rq.job.Job.exists(forgotten.id, connection)

    assert set(FinishedJobRegistry(queue=queue).get_job_ids()) == {
        job.id for job in [*sums, *retried, *totals, after_failure, *urgent]
    }
    assert set(FailedJobRegistry(queue=queue).get_job_ids()) == {job.id for job in failing}
    assert CanceledJobRegistry(queue=queue).get_job_ids() == [cancelled.id]
    assert DeferredJobRegistry(queue=queue).get_job_ids() == [after_cancelled.id]
    assert StartedJobRegistry(queue=queue).get_job_ids() == []
    assert 200 < connection.ttl(sums[0].key) <= 300
    assert 500 < connection.ttl(failing[0].key) <= 600
    assert connection.ttl(cancelled.key) == -1
    assert rq.Worker.count(connection=connection) == 0
    assert output.count("Job OK") == 60 + 10 + 10 + 2 + 6


def test_a_job_is_stopped_and_a_work_horse_killed(url: str, connection: Any) -> None:
    queue = rq.Queue(connection=connection)
    stopped, killed = queue.enqueue(jobs.wait_for_ever), queue.enqueue(jobs.be_killed)
    with running(url, "worker", "--max-jobs", "2") as worker:
        assert connection.blpop("working", 60) == (b"working", stopped.id.encode())
        assert [each.get_state() for each in rq.Worker.all(connection=connection)] == ["busy"]
        send_stop_job_command(connection, stopped.id)
        assert worker.wait(60) == 0
    assert stopped.get_status() == JobStatus.STOPPED
    assert killed.get_status() == JobStatus.FAILED
    assert "Work-horse terminated unexpectedly" in killed.latest_result().exc_string
    assert "signal 9" in killed.latest_result().exc_string
    assert set(FailedJobRegistry(queue=queue).get_job_ids()) == {stopped.id, killed.id}


def test_an_idle_worker_is_served_and_shut_down_by_command(url: str, connection: Any) -> None:
    low, high = (rq.Queue(name, connection=connection) for name in ("low", "high"))
    with running(url, "worker", "--name", "one", "high", "low") as worker:
        low.enqueue(jobs.note, "from low")
        assert connection.blpop("notes", 60) == (b"notes", b"from low")
        job = high.enqueue(jobs.note, "from high")
        assert connection.blpop("notes", 60) == (b"notes", b"from high")
        information = run(url, "info", "--raw")
        assert "queue high 0" in information
        assert "worker one (" in information
        send_shutdown_command(connection, "one")
        assert worker.wait(60) == 0
    assert job.get_status() == JobStatus.FINISHED
    assert rq.Worker.count(connection=connection) == 0


def test_a_group_is_worked_off_by_a_pool_of_workers(url: str, connection: Any) -> None:
    queue = rq.Queue(connection=connection)
    group = Group.create(connection=connection)
    group.enqueue_many(queue, [rq.Queue.prepare_data(jobs.add, (i, 10)) for i in range(10)])
    run(url, "worker-pool", "--burst", "--num-workers", "2", "--quiet")
    assert sorted(job.return_value() for job in group.get_jobs()) == list(range(10, 20))
    assert [each.name for each in Group.all(connection)] == [group.name]


def test_delayed_jobs_of_a_worker_with_a_scheduler(url: str, connection: Any) -> None:
    queue = rq.Queue(connection=connection)
    queue.enqueue_in(timedelta(milliseconds=500), jobs.note, "later")
    queue.enqueue_at(datetime.now(timezone.utc), jobs.note, "now")
    repeated = queue.enqueue(
        jobs.fail_once, retry=rq.Retry(max=1, interval=1), on_success=rq.Callback(jobs.note_success)
    )
    with running(url, "worker", "--with-scheduler", "--name", "one") as worker:
        notes = [connection.blpop("notes", 60) for _ in range(3)]
        send_shutdown_command(connection, "one")
        assert worker.wait(60) == 0
    assert sorted(note for _, note in notes) == [b"later", b"now", b"success"]
    assert repeated.get_meta() == {"attempts": 2}
    assert ScheduledJobRegistry(queue=queue).get_job_ids() == []
    assert not connection.exists(RQScheduler.get_locking_key("default"))


def test_cron_jobs(url: str, connection: Any) -> None:
    with running(url, "cron", "tests.frameworks.rq_cron") as scheduler:
        queued = [connection.blpop("rq:queue:cron", 60) for _ in range(2)]
        [seen] = CronScheduler.all(connection)
        assert [job.func_name for job in seen.get_jobs()] == ["tests.frameworks.rq_jobs.add"]
        scheduler.send_signal(signal.SIGINT)
        assert scheduler.wait(60) == 0
    assert [rq.job.Job.fetch(job_id.decode(), connection).args for _, job_id in queued] == [(1, 1), (1, 1)]
    assert CronScheduler.all(connection) == []


class InProcess:
    """SimpleWorker on a fake, as the tests of an application use it."""

    @pytest.fixture
    def connection(self) -> Iterator[Any]:
        with FakeRedis() as connection:
            yield connection

    @pytest.fixture
    def queue(self, connection: Any) -> Any:
        return rq.Queue(connection=connection)


def work(queue: Any, **options: Any) -> None:
    rq.SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="ERROR", **options)


class TestSimpleWorker(InProcess):
    def test_results_failures_and_retries(self, queue: Any) -> None:
        added = queue.enqueue(jobs.add, 2, 3)
        failed = queue.enqueue(jobs.fail, "no")
        retried = queue.enqueue(jobs.fail_once, retry=rq.Retry(max=1))
        total = queue.enqueue(jobs.sum_of_dependencies, depends_on=[added, retried])
        work(queue)
        assert added.return_value() == 5
        assert failed.get_status() == JobStatus.FAILED
        assert retried.return_value() == "done"
        assert total.get_status() == JobStatus.FAILED  # 5 + "done"
        failed.requeue()
        assert queue.job_ids == [failed.id]
        assert rq.Worker.count(connection=queue.connection) == 0

    def test_a_queue_that_is_not_asynchronous(self, connection: Any) -> None:
        queue = rq.Queue(is_async=False, connection=connection)
        job = queue.enqueue(jobs.add, 2, 3)
        assert (job.get_status(), job.return_value()) == (JobStatus.FINISHED, 5)

    def test_delayed_jobs(self, queue: Any) -> None:
        """What RQScheduler does at each interval; its locks are for several schedulers."""
        now = datetime.now(timezone.utc)
        due = queue.enqueue_at(now - timedelta(seconds=1), jobs.add, 1, 2)
        later = queue.enqueue_in(timedelta(minutes=5), jobs.add, 3, 4)
        registry = ScheduledJobRegistry(queue=queue)
        assert registry.get_job_ids() == [due.id, later.id]
        assert registry.get_scheduled_time(later) > now + timedelta(minutes=4)
        scheduler = RQScheduler([queue], connection=queue.connection)
        scheduler.prepare_registries([queue.name])
        scheduler.enqueue_scheduled_jobs()
        work(queue)
        assert due.return_value() == 3
        assert registry.get_job_ids() == [later.id]
        assert later.get_status() == JobStatus.SCHEDULED


class TestScripts(InProcess):
    """What RQ leaves to Lua."""

    def test_a_queue_is_emptied_and_deleted(self, queue: Any, connection: Any) -> None:
        emptied = [queue.enqueue(jobs.add, i, i) for i in range(5)]
        assert queue.empty() == 5
        assert queue.is_empty()
        assert not any(rq.job.Job.exists(job.id, connection) for job in emptied)
        queue.enqueue(jobs.add, 1, 1)
        queue.delete()
        assert rq.Queue.all(connection) == []
        assert connection.keys("rq:job:*") == []

    def test_a_job_that_is_enqueued_once(self, queue: Any) -> None:
        if tuple(map(int, rq.VERSION.split(".")[:2])) < (2, 9):
            pytest.skip("this RQ has no unique jobs")
        duplicate = rq.exceptions.DuplicateJobError
        first = queue.enqueue(jobs.add, 1, 2, job_id="one", unique=True)
        with pytest.raises(duplicate):
            queue.enqueue(jobs.add, 3, 4, job_id="one", unique=True)
        in_time = queue.enqueue_in(timedelta(minutes=5), jobs.add, 1, 2, job_id="later", unique=True)
        with pytest.raises(duplicate):
            queue.enqueue_in(timedelta(minutes=5), jobs.add, 1, 2, job_id="later", unique=True)
        assert ScheduledJobRegistry(queue=queue).get_job_ids() == [in_time.id]
        work(queue)
        assert first.return_value() == 3

    def test_rate_limits(self, queue: Any, connection: Any) -> None:
        rate_limit = pytest.importorskip("rq.rate_limit")
        limit = rate_limit.RateLimit("mails", concurrency=2)
        limited = [queue.enqueue(jobs.add, i, i, job_id=f"mail-{i}", rate_limit=limit) for i in range(5)]
        registry = rate_limit.RateLimitRegistry("mails", connection)
        assert queue.job_ids == registry.get_allowed_job_ids() == [job.id for job in limited[:2]]
        assert registry.get_rate_limited_job_ids() == [job.id for job in limited[2:]]
        limited[0].cancel()
        assert registry.get_allowed_job_count() == 2
        work(queue)
        assert [job.return_value() for job in limited[1:]] == [2, 4, 6, 8]
        registry.cleanup()
        assert rate_limit.RateLimitRegistry.all(connection) == []


def test_rq_empty(url: str, connection: Any) -> None:
    rq.Queue(connection=connection).enqueue(jobs.add, 1, 1)
    assert "1 jobs removed from default queue" in run(url, "empty", "default")
    assert connection.keys("rq:job:*") == []
