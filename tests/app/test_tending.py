"""What is done again and again beside the calls."""

import asyncio

from tallygate.app.tending import repeat


def test_what_is_repeated_survives_an_error_nobody_has_foreseen() -> None:
    async def run() -> None:
        done = asyncio.Event()
        outcomes = iter([OSError("a bad moment"), None])

        async def work() -> None:
            if (error := next(outcomes)) is not None:
                raise error
            done.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(repeat(0, work))
        waiting = asyncio.create_task(done.wait())
        await asyncio.wait((task, waiting), timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert done.is_set()
        task.cancel()

    asyncio.run(run())
