"""A client's leaving reaches the call's owner where the owner can bear it, and nowhere else."""

import asyncio

import pytest

from tallygate.errors import (
    IdempotencyConflict,
    IdempotencyInProgress,
    InvalidApiKey,
    ProviderOverloaded,
    ShuttingDown,
    StreamBroken,
)
from tallygate.pipeline.call import ClientGone, Departure, error_headers

pytestmark = pytest.mark.anyio


async def test_leaving_interrupts_a_watched_wait() -> None:
    departure = Departure()
    waiting = asyncio.Event()

    async def own() -> str:
        try:
            with departure.watching():
                waiting.set()
                await asyncio.Event().wait()
        except ClientGone:
            # The owner goes on living: it must be able to wait again, as settlement does.
            await asyncio.sleep(0)
            return "settled"
        return "served"

    owner = asyncio.create_task(own())
    await waiting.wait()
    departure.leave()
    departure.leave()
    assert await owner == "settled"
    assert owner.cancelling() == 0


async def test_a_stopped_call_ends_with_the_reason_and_its_client_is_still_there() -> None:
    departure = Departure()
    waiting = asyncio.Event()

    async def own() -> str:
        try:
            with departure.watching():
                waiting.set()
                await asyncio.Event().wait()
        except ShuttingDown:
            return "told"
        return "served"

    owner = asyncio.create_task(own())
    await waiting.wait()
    departure.stop(ShuttingDown())
    assert await owner == "told"
    assert not departure.left
    with pytest.raises(ShuttingDown), departure.watching():
        pytest.fail("nothing more may run for a call that was stopped")


async def test_leaving_never_interrupts_what_is_not_watched() -> None:
    departure = Departure()
    go_on = asyncio.Event()

    async def own() -> str:
        await go_on.wait()
        return "settled"

    owner = asyncio.create_task(own())
    await asyncio.sleep(0)
    departure.leave()
    go_on.set()
    assert await owner == "settled"


async def test_a_client_that_left_before_is_noticed_at_once() -> None:
    departure = Departure()
    departure.leave()
    with pytest.raises(ClientGone), departure.watching():
        pytest.fail("nothing may run for a client that has left")


async def test_a_shutdown_stays_a_cancellation() -> None:
    departure = Departure()
    waiting = asyncio.Event()

    async def own() -> None:
        with departure.watching():
            waiting.set()
            await asyncio.Event().wait()

    owner = asyncio.create_task(own())
    await waiting.wait()
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner


def test_headers_tell_a_client_whether_to_try_again() -> None:
    assert ("x-should-retry", "false") in error_headers(InvalidApiKey())
    assert ("www-authenticate", "Bearer") in error_headers(InvalidApiKey())
    assert error_headers(ProviderOverloaded(retry_after_s=7200)) == [("retry-after", "60")]
    assert error_headers(ProviderOverloaded(retry_after_s=0)) == [("retry-after", "1")]
    assert error_headers(StreamBroken()) == []
    assert error_headers(IdempotencyInProgress()) == [("x-should-retry", "true")]
    assert error_headers(IdempotencyConflict()) == [("x-should-retry", "false")]
