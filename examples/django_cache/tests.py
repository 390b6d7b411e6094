"""Django's cache: `settings_test.py` gives it a `connection_class`, and no server has to run.

`redouble.FakeRedis` with the host and port of the settings is a client of the same server, and `redouble.reset` empties it
after each test. Run it with `python -m django test --settings settings_test`.
"""

from unittest import mock

import redouble
from django.test import SimpleTestCase


class TestRates(SimpleTestCase):
    def setUp(self):
        self.addCleanup(redouble.reset)
        self.redis = redouble.FakeRedis(host="127.0.0.1", port=6379)

    def test_the_bank_is_asked_once(self):
        with mock.patch("bank.ask", side_effect=[{"EUR": 1.1}]):
            self.assertEqual(self.client.get("/rates").json(), {"EUR": 1.1})
            self.assertEqual(self.client.get("/rates").json(), {"EUR": 1.1})
        self.assertEqual(self.redis.keys(), [b":1:rates"])
        self.assertIn(self.redis.ttl(":1:rates"), (59, 60))

    def test_the_bank_is_asked_again_when_the_rates_are_gone(self):
        with mock.patch("bank.ask", side_effect=[{"EUR": 1.1}, {"EUR": 1.2}]):
            self.assertEqual(self.client.get("/rates").json(), {"EUR": 1.1})
            self.redis.delete(":1:rates")
            self.assertEqual(self.client.get("/rates").json(), {"EUR": 1.2})
