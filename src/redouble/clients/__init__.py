"""The clients of redis-py and valkey-py, sync and asyncio, on servers of this process."""
