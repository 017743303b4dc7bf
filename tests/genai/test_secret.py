"""A Secret shows itself to nobody who does not ask by name."""

import copy
import json
import logging
import pickle

import msgspec
import pytest

from tallygate.genai.secret import Secret

VALUE = "lx-k_do-not-show-me"


class Holder(msgspec.Struct, frozen=True):
    """A value with a secret inside, as settings have them."""

    secret: Secret | None


def test_reveal_gives_the_value_back() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_printing_shows_stars(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    logging.getLogger("test").warning("%s %r %s", secret, secret, [secret])
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", f"{secret:>40}", caplog.text]
    shown.append(repr(Holder(secret)))
    assert all("***" in text and "do-not" not in text for text in shown)


@pytest.mark.parametrize(
    "leak",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        msgspec.to_builtins,
        lambda secret: msgspec.json.encode(Holder(secret)),
        vars,
        list,
        hash,
    ],
    ids=lambda leak: f"{leak.__module__}.{leak.__name__}",
)
def test_every_way_of_copying_refuses(leak: object) -> None:
    assert callable(leak)
    with pytest.raises(TypeError) as caught:
        leak(Secret(VALUE))
    assert "do-not" not in str(caught.value)


def test_equality() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("é\udcff") == Secret("é\udcff")
