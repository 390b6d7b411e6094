"""Channels: under `redouble.patch()` its Redis layer stays in this process, with the settings of production.

Two visitors talk to the consumer by way of ASGI; with daphne installed, `channels.testing.WebsocketCommunicator` is a
shorter way. Run it with `python -m django test --settings settings`.
"""

import redouble
from asgiref.testing import ApplicationCommunicator
from django.test import SimpleTestCase
from redouble.testing import RedoubleMixin

from chat import Chat


class TestChat(RedoubleMixin, SimpleTestCase):
    def setUp(self):
        redouble.patch(server=self.redouble_server)
        self.addCleanup(redouble.unpatch)

    async def visitor(self):
        visitor = ApplicationCommunicator(Chat.as_asgi(), {"type": "websocket"})
        await visitor.send_input({"type": "websocket.connect"})
        self.assertEqual((await visitor.receive_output())["type"], "websocket.accept")
        return visitor

    async def test_everybody_hears(self):
        ada, bob = await self.visitor(), await self.visitor()
        await ada.send_input({"type": "websocket.receive", "text": '"good morning"'})
        for visitor in (ada, bob):
            self.assertEqual((await visitor.receive_output())["text"], '"good morning"')

    async def test_who_leaves_is_in_no_group(self):
        ada = await self.visitor()
        self.assertEqual(len(self.redouble_server.data.sorted_set("asgi:group:chat")), 1)
        await ada.send_input({"type": "websocket.disconnect", "code": 1000})
        await ada.wait()
        self.assertEqual(self.redouble_server.data.keys(), [])
