"""What `rq cron` enqueues in the RQ tests."""

from rq import cron

from tests.frameworks import rq_jobs

cron.register(rq_jobs.add, queue_name="cron", args=(1, 1), interval=1)
