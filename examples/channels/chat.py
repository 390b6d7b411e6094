"""The application: whatever somebody says, everybody hears."""

from channels.generic.websocket import AsyncJsonWebsocketConsumer


class Chat(AsyncJsonWebsocketConsumer):
    groups = ["chat"]

    async def receive_json(self, content: str) -> None:
        await self.channel_layer.group_send("chat", {"type": "chat.said", "text": content})

    async def chat_said(self, event: dict[str, str]) -> None:
        await self.send_json(event["text"])
