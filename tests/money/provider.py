"""The provider of the money tests, in a process of its own: it speaks both languages and does what a script says.

Its journal on standard output says what it was asked and how far it came: `holding` when it waits for a test, `played`
when it has handed over the last byte. It must not be lenient where a vendor is not: a call without its key, a messages
call without a cap, and a count that was not asked for do not come about.

    python -m tests.money.provider --key KEY
"""

import asyncio
import json
from collections.abc import Awaitable

from tests.fakes.provider import Incoming, Provider, main, note
from tests.money.scripts import SCRIPTS, Count, Do, Finish, Script
from tests.money.wires import EMBEDDINGS, WIRES, Wire

PATHS: dict[str, Wire] = {wire.path: wire for wire in (*WIRES.values(), EMBEDDINGS)}


class Player(Provider):
    """Plays scripts. A call's gate is named by the first word of its last message."""

    opening_frames = 0

    def own_headers(self, call: Incoming) -> list[tuple[str, str]]:
        return []

    def whole_body(self, call: Incoming) -> bytes:
        return self._wire(call).whole(self._script(call))

    def frames(self, call: Incoming) -> list[bytes]:
        wire, script = self._wire(call), self._script(call)
        steps = [frame for step in script.steps for frame in wire.step(step)]
        return [*wire.opening(script), *steps, *wire.closing()]

    def error_body(self, call: Incoming, status: int, message: str) -> bytes:
        return self._wire(call).error(status)

    def error_frame(self, call: Incoming) -> bytes:
        return b"".join(self._wire(call).step(Do("fail")))

    def last_user_text(self, call: Incoming) -> str:
        content = call.json["input"] if "input" in call.json else call.json["messages"][-1]["content"]
        return content if isinstance(content, str) else content[0]["text"]

    def route(self, call: Incoming) -> Awaitable[None]:
        key = call.header("authorization").removeprefix("Bearer ") or call.header("x-api-key")
        if key != self.key:
            return call.whole(401, WIRES["openai"].error(401))
        if call.method != "POST" or call.path not in PATHS:
            return call.whole(404, WIRES["openai"].error(404))
        call.json = json.loads(call.body)
        if call.path == WIRES["anthropic"].path and "max_tokens" not in call.json:
            return call.whole(400, self.error_body(call, 400, ""))
        return self._play(call)

    async def _play(self, call: Incoming) -> None:
        script = self._script(call)
        for step in script.before:
            await self._do(call, step)
        if call.must_close:
            return
        if script.status != 200:
            more = [("retry-after", "7")] if script.status in (429, 503) else []
            await call.whole(script.status, self.error_body(call, script.status, ""), *more)
        elif call.json.get("stream"):
            await self._stream(call, script)
        else:
            await self._whole(call, script)
        note("played", request=call.number)

    async def _stream(self, call: Incoming, script: Script) -> None:
        wire = self._wire(call)
        call.open_stream()
        for frame in wire.opening(script):
            await call.send(frame)
        for step in script.steps:
            if isinstance(step, Do):
                await self._do(call, step)
                if call.must_close:
                    return
            elif not isinstance(step, Count) or self._may_count(call):
                shown = step if self._may_count(call) or not isinstance(step, Finish) else Finish(step.reason)
                for frame in wire.step(shown):
                    await call.send(frame)
        for frame in wire.closing():
            await call.send(frame)
        await call.close_stream()

    async def _whole(self, call: Incoming, script: Script) -> None:
        """A whole answer; one that breaks off in its script breaks off in the middle of its body."""
        body = self.whole_body(call)
        flaws = [step for step in script.steps if isinstance(step, Do)]
        if not flaws:
            await call.whole(200, body)
            return
        call.write_head(200, ("content-type", "application/json"), ("content-length", str(len(body))))
        call.writer.write(body[: len(body) // 2])
        await call.writer.drain()
        for step in flaws:
            await self._do(call, step)
        if not call.must_close:
            call.writer.write(body[len(body) // 2 :])
            await call.writer.drain()

    async def _do(self, call: Incoming, step: Do) -> None:
        match step.what:
            case "wait":
                note("holding", request=call.number)
                await self.gate(self.last_user_text(call).split(" ")[0]).wait()
            case "stall":
                await asyncio.Event().wait()
            case "fail" if call.json.get("stream"):
                await call.send(self.error_frame(call))
                await call.close_stream()
                call.must_close = True
            case "cut" if call.json.get("stream"):
                await call.close_stream()
                call.must_close = True
            case _:
                call.abort()

    def _may_count(self, call: Incoming) -> bool:
        """OpenAI's streams tell usage only to those who asked."""
        if call.path != WIRES["openai"].path:
            return True
        return bool((call.json.get("stream_options") or {}).get("include_usage"))

    def _wire(self, call: Incoming) -> Wire:
        return PATHS[call.path]

    def _script(self, call: Incoming) -> Script:
        return SCRIPTS[call.json["model"]]


if __name__ == "__main__":
    asyncio.run(main(Player))
