"""django-rq: under `redouble.patch()` the queues of the settings are in this process, and so is the worker.

`SimpleWorker` does not fork, which a server in this process needs: what the child of a fork writes is not seen here. Run
it with `python -m django test --settings settings`.
"""

import django_rq
import redouble
from django.core.management import call_command
from django.test import SimpleTestCase
from redouble.testing import RedoubleMixin

from search import index, pages_with


class TestSearch(RedoubleMixin, SimpleTestCase):
    def setUp(self):
        redouble.patch(server=self.redouble_server)
        self.addCleanup(redouble.unpatch)
        self.addCleanup(pages_with.clear)

    def test_the_worker_puts_pages_into_the_index(self):
        job = index.delay("/tea", "Tea and more tea")
        self.assertFalse(pages_with)
        call_command("rqworker", "default", burst=True, worker_class="rq.SimpleWorker", verbosity=0)
        self.assertEqual(pages_with["tea"], {"/tea"})
        self.assertEqual(job.return_value(), 3)

    def test_what_waits_in_the_queue(self):
        index.delay("/tea", "Tea and more tea")
        [job] = django_rq.get_queue("default").jobs
        self.assertEqual((job.func_name, job.args), ("search.index", ("/tea", "Tea and more tea")))
