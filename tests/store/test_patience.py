"""Patience: each wait ends in its time, none sooner, and what has come in time stays."""

import asyncio

import pytest

from tallygate.store.patience import Patience


def wait(*seconds_until_answered: float | None, patience: Patience | None = None) -> list[object]:
    """What becomes of waits of 50 ms that begin one after another."""
    kind = patience or Patience(0.05)

    async def ask() -> list[object]:
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[str]] = []
        for seconds in seconds_until_answered:
            answer: asyncio.Future[str] = loop.create_future()
            answers.append(answer)
            kind.watch(answer)
            if seconds is not None:
                loop.call_later(seconds, lambda answer=answer: answer.done() or answer.set_result("came"))
            await asyncio.sleep(0.005)
        return list(await asyncio.gather(*answers, return_exceptions=True))

    return [outcome if outcome == "came" else type(outcome) for outcome in asyncio.run(ask())]


@pytest.mark.parametrize(
    ("waits", "outcomes"),
    [
        ([0], ["came"]),
        ([None], [TimeoutError]),
        ([None, 0, None], [TimeoutError, "came", TimeoutError]),
        ([0, None, 0], ["came", TimeoutError, "came"]),
        ([5], [TimeoutError]),
    ],
)
def test_what_does_not_come_in_time_is_given_up(waits: list[float | None], outcomes: list[object]) -> None:
    assert wait(*waits) == outcomes


def test_it_goes_on_in_another_loop_once_the_first_is_closed() -> None:
    patience = Patience(0.05)
    assert wait(None, patience=patience) == [TimeoutError]
    assert wait(None, 0, patience=patience) == [TimeoutError, "came"]


async def ask_elsewhere(patience: Patience) -> list[object]:
    return await asyncio.to_thread(wait, None, 0, patience=patience)


def test_a_second_loop_beside_the_first_waits_alike() -> None:
    patience = Patience(0.05)

    async def ask() -> list[object]:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        patience.watch(answer)
        elsewhere = await ask_elsewhere(patience)
        with pytest.raises(TimeoutError):
            await answer
        return elsewhere

    assert asyncio.run(ask()) == [TimeoutError, "came"]
