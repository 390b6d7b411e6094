"""django-redis: between `redouble.patch()` and `redouble.unpatch()` its connections stay in this process.

The settings are those of production, and the address in them leads to `self.redouble_server`. Run it with
`python -m django test --settings settings`.
"""

from unittest import mock

import redouble
from django.core.cache import cache
from django.test import SimpleTestCase
from redouble.testing import RedoubleMixin

from reports import forget_reports, report


class TestReports(RedoubleMixin, SimpleTestCase):
    def setUp(self):
        redouble.patch(server=self.redouble_server)
        self.addCleanup(redouble.unpatch)

    def test_a_report_is_built_once(self):
        build = mock.Mock(return_value="all about January")
        for _ in range(2):
            self.assertEqual(report("2030-01", build), "all about January")
        build.assert_called_once_with("2030-01")

    def test_whoever_builds_it_holds_the_lock(self):
        def build(month):
            self.assertFalse(cache.lock(f"lock:{month}").acquire(blocking=False))
            return "done"

        report("2030-01", build)
        self.assertTrue(cache.lock("lock:2030-01").acquire(blocking=False))

    def test_a_year_is_forgotten(self):
        for month in ("2029-12", "2030-01", "2030-02"):
            report(month, str.upper)
        self.assertEqual(forget_reports(2030), 2)
        self.assertEqual(self.redouble_server.data.db(1).keys(), [b":1:report:2029-12"])
