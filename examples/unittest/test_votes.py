"""unittest: with `RedoubleMixin`, each test has a server of its own, and `self.redouble` is a client of it.

Nothing else is needed, and nothing is left behind. `self.redouble_server`, `self.redouble_async` and `self.redouble_url`
are made when a test asks for them. Run it with `python -m unittest`.
"""

import unittest

import redis
from redouble.testing import RedoubleMixin

from votes import vote, winner


class TestVotes(RedoubleMixin, unittest.TestCase):
    def test_most_votes_win(self):
        for user, candidate in [("ada", "tea"), ("bob", "coffee"), ("cyd", "tea")]:
            vote(self.redouble, user, candidate)
        self.assertEqual(winner(self.redouble), "tea")

    def test_a_vote_can_be_changed(self):
        vote(self.redouble, "ada", "coffee")
        vote(self.redouble, "ada", "tea")
        self.assertEqual(self.redouble_server.data.sorted_set("results"), {b"coffee": 0, b"tea": 1})

    def test_two_votes_of_one_user_at_once(self):
        """What happens between WATCH and EXEC is noticed."""

        def other_vote(command):
            self.redouble_server.seed({"votes": {"ada": "coffee"}})
            return None

        with self.redouble_server.faults.answer(other_vote, on="HGET"), self.assertRaises(redis.WatchError):
            vote(self.redouble, "ada", "tea")
        self.assertIsNone(winner(self.redouble))


class TestAsync(RedoubleMixin, unittest.IsolatedAsyncioTestCase):
    async def test_the_asyncio_client_shares_the_server(self):
        vote(self.redouble, "ada", "tea")
        self.assertEqual(await self.redouble_async.hget("votes", "ada"), b"tea")


if __name__ == "__main__":
    unittest.main()
