"""The fast gear of pipelines: `execute` without what the library spends on each command and each reply.

As in `fast.py` the library's own path is the reference, and is taken wherever somebody could tell the difference: besides
what is listed there, while the pipeline watches or loads scripts, while anything unusual (the gates of `core`) is on, and
for commands that are not plain.  The commands are the same on both ways, MULTI and EXEC included.
"""

from __future__ import annotations

from typing import Any, ClassVar

from redouble.clients.connection import PLAIN
from redouble.clients.fast import OF_CLIENT, FastBase, Plan, answer, arguments, get, use_up
from redouble.resp.reply import NO_REPLY

__all__ = ["FastPipelineMixin"]

OF_LIBRARY_PIPELINE = ("execute",)
OF_PIPELINE = ("parse_response", "_execute_transaction", "_execute_pipeline", "raise_first_error", "annotate_exception")
_PLAIN = PLAIN | {bytes}
"""What a transaction's replies may be that their user gets as they are, if nothing is decoded."""
_ANSWERS = frozenset((bytes, str, int, float, bool, type(None), list, dict, set))
"""Types that are no errors."""
_ABOUT_TRANSACTIONS = frozenset(("MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"))


class FastPipelineMixin(FastBase):
    """In front of a library's synchronous pipeline."""

    library_pipeline: ClassVar[Any]
    """The library's class that this is a subclass of."""
    response_error: ClassVar[Any]
    """The library's own."""
    command_stack: list[tuple[tuple[Any, ...], dict[str, Any]]]

    @classmethod
    def fast_gear(cls, client: FastBase) -> dict[str, Any]:
        """What the pipelines of a client need for its fast gear; nothing if they need the library's path."""
        found = client._find_seams(
            (cls.library_pipeline, OF_LIBRARY_PIPELINE), (client.library_class, OF_CLIENT), (cls, OF_PIPELINE)
        )
        if found is None:
            return {}
        shared = {name: getattr(client, name) for name in ("_plans", "_metrics", "_fast_pool", "_template_key")}
        return {"_call": found[0], "_seams": found[1], **shared}

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run the commands; see `redis.client.Pipeline.execute`."""
        commands: Any = self.command_stack
        idle = commands and not (self.watching or self.scripts)  # type: ignore[attr-defined]
        untouched = self._fast_pool is not None and self.library_pipeline.execute is self._call
        connection = self._free_connection() if idle and untouched else None
        if connection is None:
            return super().execute(raise_on_error)  # type: ignore[misc, no-any-return]
        ended = True
        try:
            plain = self._plain(connection, commands)
            if plain is not None:
                run = self._in_transaction if self.transaction or self.explicit_transaction else self._one_by_one  # type: ignore[attr-defined]
                return run(connection, *plain, raise_on_error)
            ended = False
        except connection.connection_error:
            connection.disconnect()
            raise
        finally:
            self._fast_pool._available_connections.append(connection)
            if ended:
                self.reset()  # type: ignore[attr-defined]
        return super().execute(raise_on_error)  # type: ignore[misc, no-any-return]

    def _plain(self, connection: Any, commands: Any) -> tuple[list[Plan], list[list[bytes]]] | None:
        """How to call each command, and its arguments; None if one is not plain, or the connection not in its usual state."""
        client = connection.in_process_client
        if client.gate or client.server.gate or client.watching:
            return None
        known, plans, argvs = self._plans, [], []
        for args, options in commands:
            try:
                plan = known[args[0]]
            except KeyError:
                plan = self._plan(connection, args[0])
            if plan is None or plan.callback_name in _ABOUT_TRANSACTIONS or "EMPTY_RESPONSE" in options:
                return None
            plans.append(plan)
            argvs.append(arguments(connection, plan, args))
        return plans, argvs

    def _one_by_one(
        self, connection: Any, plans: list[Plan], argvs: list[list[bytes]], raise_on_error: bool
    ) -> list[Any]:
        commands, callbacks = self.command_stack, self.response_callbacks
        connection.send_packed_command(argvs, check_health=False)
        replies = connection.in_process_client.take_all(len(argvs))
        if replies is None:
            return self._read_one_by_one(connection, raise_on_error)
        responses: list[Any] = []
        failed = False
        for reply, plan, (_, options) in zip(replies, plans, commands):
            try:
                response = answer(connection, reply, options)
                callback = get(callbacks, plan.callback_name)
                if callback is not None:
                    response = callback(response, **options)
            except self.response_error as error:
                response = error
                failed = True
            responses.append(response)
        if failed and raise_on_error:
            self.raise_first_error(commands, responses)  # type: ignore[attr-defined]
        return responses

    def _read_one_by_one(self, connection: Any, raise_on_error: bool) -> list[Any]:
        """Wait for each reply: a pause holds them back, or there are other messages between them."""
        responses = [self._read(connection, args[0], options) for args, options in self.command_stack]
        if raise_on_error:
            self.raise_first_error(self.command_stack, responses)  # type: ignore[attr-defined]
        return responses

    def _in_transaction(
        self, connection: Any, plans: list[Plan], argvs: list[list[bytes]], raise_on_error: bool
    ) -> list[Any]:
        commands, callbacks = self.command_stack, self.response_callbacks
        client = connection.in_process_client
        server = client.server
        client.last_interaction = server.clock.time()
        with server.lock:
            reply = NO_REPLY if client.closed else server.transact(client, argvs)
        if type(reply) is list:
            translate = connection._parser.translate
            as_they_are = PLAIN if connection.encoder.decode_responses else _PLAIN
            result = [each if type(each) in as_they_are else translate(each, False) for each in reply]
        elif reply is NO_REPLY:
            result = self._execute_queue(connection, argvs)
        else:
            result = answer(connection, reply, {})
        if raise_on_error and not _ANSWERS.issuperset(map(type, result)):
            self.raise_first_error(commands, result)  # type: ignore[attr-defined]
        responses: list[Any] = []
        for response, plan, (_, options) in zip(result, plans, commands):
            if not isinstance(response, Exception):
                callback = get(callbacks, plan.callback_name)
                if callback is not None:
                    if options:
                        use_up(options)
                    response = callback(response, **options)
            responses.append(response)
        return responses

    def _execute_queue(self, connection: Any, argvs: list[list[bytes]]) -> Any:
        """What EXEC answers, after MULTI and the commands were sent one by one."""
        connection.send_packed_command([[b"MULTI"], *argvs, [b"EXEC"]], check_health=False)
        replies = [self._read(connection, "_", {}) for _ in range(len(argvs) + 2)]
        result = replies.pop()
        if isinstance(result, self.response_error):
            for at, reply in enumerate(replies):
                if isinstance(reply, self.response_error):
                    self.annotate_exception(reply, at, self.command_stack[at - 1][0])  # type: ignore[attr-defined]
                    raise reply
            raise result
        return result

    def _read(self, connection: Any, name: Any, options: dict[str, Any]) -> Any:
        try:
            return self.parse_response(connection, name, **options)  # type: ignore[attr-defined]
        except self.response_error as error:
            return error
