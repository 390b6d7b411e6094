"""django-rq: under `redouble.patch()` the queues of the settings are in this process, and so is the worker.

`SimpleWorker` does not fork, which a server in this process needs: what the child of a fork writes is not seen here. Run
it with `python -m django test --settings settings`.
"""

import django_rq
import redouble
from django.core import mail
from django.core.management import call_command
from django.test import SimpleTestCase
from redouble.testing import RedoubleMixin

from mails import welcome


class TestMails(RedoubleMixin, SimpleTestCase):
    def setUp(self):
        redouble.patch(server=self.redouble_server)
        self.addCleanup(redouble.unpatch)

    def test_the_worker_sends_the_mail(self):
        job = welcome.delay("ada@example.com")
        self.assertEqual(mail.outbox, [])
        call_command("rqworker", "default", burst=True, worker_class="rq.SimpleWorker", verbosity=0)
        self.assertEqual([message.to for message in mail.outbox], [["ada@example.com"]])
        self.assertTrue(job.is_finished)

    def test_what_waits_in_the_queue(self):
        welcome.delay("ada@example.com")
        [job] = django_rq.get_queue("default").jobs
        self.assertEqual((job.func_name, job.args), ("mails.welcome", ("ada@example.com",)))
