"""What the provider of the money tests does with a call: short scripts, chosen by the name of the model that it
is asked for.

A script says the same in every language; how it is put into bytes stands in `wires`. What a call of it should come to
is not said here but in the tables of the tests.
"""

from typing import Literal, NamedTuple

WORD = "8 bytes "
"""What a model says at a time. The gateway counts it as 2 tokens where it must count itself."""


SECRET = "said in confidence 5c0e17"
"""What a model says that nobody but its caller may read."""
EXCUSE = "the lab's own excuse 9a4f02"
"""What a provider says with an error."""


class Usage(NamedTuple):
    """The counts that the provider reports. `cached` and `written` are parts of the input, `long` is what of the second
    lives an hour.
    """

    input_tokens: int
    output_tokens: int
    cached: int | None = None
    written: int | None = None
    long: int | None = None


class Say(NamedTuple):
    """A piece of the answer."""

    text: str = WORD


class Count(NamedTuple):
    """Usage, in an event of its own."""

    usage: Usage


class Finish(NamedTuple):
    """Why the answer ends; None: it does not say. With usage, where the language has it there."""

    reason: Literal["stop", "length"] | None = "stop"
    usage: Usage | None = None


class Do(NamedTuple):
    """Something that is no part of an answer.

    `wait`: until the test opens the call's gate; `reset`: the connection; `cut`: end the body, cleanly but too early;
    `stall`: say nothing more; `fail`: an error event.
    """

    what: Literal["wait", "reset", "cut", "stall", "fail"]


Step = Say | Count | Finish | Do


class Script(NamedTuple):
    """`opening` is what a language that counts its input at once says at the beginning. `before` is done before the
    answer's head, `status` is that of an error. A whole answer has the sum of the steps and is cut in its middle.
    """

    steps: tuple[Step, ...] = ()
    opening: Usage | None = Usage(30, 1)
    before: tuple[Do, ...] = ()
    status: int = 200


USED = Usage(30, 7)
WORDS = (Say(), Say(), Say())
GOOD = (*WORDS, Finish("stop", USED))
WAIT, RESET, CUT, STALL, FAIL = Do("wait"), Do("reset"), Do("cut"), Do("stall"), Do("fail")

SCRIPTS: dict[str, Script] = {
    "good": Script(GOOD),
    "telling": Script((Say(SECRET), Finish("stop", USED))),
    "telling-then-failing": Script((Say(SECRET), FAIL)),
    "cached": Script((*WORDS, Finish("stop", Usage(30, 7, cached=10)))),
    "written": Script((*WORDS, Finish("stop", Usage(50, 7, cached=7, written=25, long=15)))),
    "uncounted": Script((*WORDS, Finish()), opening=None),
    "zero": Script((*WORDS, Finish("stop", Usage(0, 0))), opening=Usage(0, 0)),
    "early-count": Script((Say(), Count(USED), Say(), Say(), Finish())),
    "late-count": Script((*WORDS, Finish(), Count(USED))),
    "repeated-count": Script((Say(), Count(Usage(30, 2)), Say(), Count(Usage(30, 5)), Say(), Finish("stop", USED))),
    "same-count-twice": Script((*WORDS, Count(USED), Finish("stop", USED))),
    "shrinking-count": Script((*WORDS, Count(USED), Finish("stop", Usage(20, 5)))),
    "too-much-cached": Script((*WORDS, Finish("stop", Usage(30, 7, cached=99)))),
    "negative-input": Script((*WORDS, Finish("stop", Usage(-5, 7))), opening=None),
    "overrun": Script((*WORDS, Finish("stop", Usage(30, 1_000)))),
    "silent": Script((Finish(None, Usage(30, 0)),), opening=Usage(30, 0)),
    "silent-for-a-reason": Script((Finish("stop", Usage(30, 0)),), opening=Usage(30, 0)),
    "held": Script(GOOD, before=(WAIT,)),
    "held-in-the-middle": Script((Say(), WAIT, Say(), Say(), Finish("stop", USED))),
    "held-and-counted": Script((Count(Usage(30, 2)), Say(), WAIT, Say(), Say(), Finish("stop", USED))),
    "held-at-the-end": Script((*WORDS, WAIT, Finish("stop", USED))),
    "reset-at-once": Script(before=(RESET,)),
    "reset-in-the-middle": Script((Say(), WAIT, RESET)),
    "counted-then-reset": Script((Count(Usage(30, 2)), Say(), WAIT, RESET)),
    "cut-in-the-middle": Script((Say(), CUT)),
    "cut-before-the-first-word": Script((CUT,)),
    "failed-before-the-first-word": Script((FAIL,)),
    "failed-in-the-middle": Script((Say(), FAIL)),
    "stalled": Script(before=(STALL,)),
    "stalled-in-the-middle": Script((Say(), STALL)),
    **{f"status-{status}": Script(status=status) for status in (400, 401, 403, 404, 413, 429, 500, 503, 529)},
}
"""By name. A new one appears in the gateway's configuration by itself, under each language."""
