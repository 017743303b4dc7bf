"""The file of keys: what is made can be read, what is published holds no secret, and other texts are refused."""

import msgspec
import pytest

from tallygate.genai.secret import Secret
from tallygate.receipts import note
from tallygate.receipts.key_file import EARLY_MS, BadKeyFile, make_key_file, read_key_file
from tallygate.receipts.key_set import KeySet


def test_a_new_file_has_one_log_and_one_key() -> None:
    text = make_key_file(5, origin="example.com/log", issuer="Example")
    keys = read_key_file(Secret(text))
    assert (keys.origin, keys.issuer, keys.not_after_ms) == ("example.com/log", "Example", None)
    assert keys.not_before_ms == 5 - EARLY_MS, "a replica whose clock is a little behind may sign at once"
    assert keys.signer.verifier.name == keys.origin
    assert len(keys.subject_key) == 32
    assert text.isascii()


def test_each_gateway_has_an_origin_of_its_own() -> None:
    one, other = (read_key_file(Secret(make_key_file(0))) for _ in range(2))
    assert one.origin != other.origin
    assert one.issuer == one.origin
    assert one.subject_key != other.subject_key


def test_what_is_published_says_who_may_sign_and_holds_no_secret() -> None:
    text = make_key_file(5, origin="example.com/log")
    keys = read_key_file(Secret(text))
    published = msgspec.json.encode(keys.public)
    assert msgspec.json.decode(published, type=KeySet) == keys.public
    assert [key.vkey for key in keys.public.logs[0].keys] == [keys.signer.verifier.vkey]
    held = msgspec.json.decode(text)
    private_key = held["logs"][0]["keys"][0]["private_key"]
    # The last of five parts is the key itself, in an alphabet that has the divider, too.
    for secret in (held["subject_key"], private_key, private_key.split("+", maxsplit=4)[-1]):
        assert len(secret) > 40
        assert secret.encode() not in published
        assert secret not in repr(keys)


def test_a_frozen_log_stays_listed_beside_the_active_one() -> None:
    old, new = (msgspec.json.decode(make_key_file(at, origin=f"example.com/{at}")) for at in (1, 2))
    old["logs"][0] |= {"status": "frozen", "final_checkpoint": "the last\n"}
    old["logs"][0]["keys"][0]["status"] = "retired"
    new["logs"] = [*old["logs"], *new["logs"]]
    keys = read_key_file(Secret(msgspec.json.encode(new).decode()))
    assert keys.origin == "example.com/2"
    assert [(log.origin, log.status) for log in keys.public.logs] == [
        ("example.com/1", "frozen"),
        ("example.com/2", "active"),
    ]
    # What the old key has signed still verifies under it, and under it alone.
    signed = note.read_signer(Secret(old["logs"][0]["keys"][0]["private_key"])).sign("example.com/1\n")
    assert note.verify(note.parse(signed), [keys.public.logs[0].keys[0].vkey])
    with pytest.raises(note.BadNote):
        note.verify(note.parse(signed), [keys.public.logs[1].keys[0].vkey])


@pytest.mark.parametrize(
    "change",
    [
        {"type": "something else"},
        {"subject_key": "00"},
        {"subject_key": "G" * 64},
        {"logs": []},
        {"more": 1},
    ],
)
def test_other_files_are_refused_without_showing_them(change: dict[str, object]) -> None:
    file = msgspec.json.decode(make_key_file(0))
    with pytest.raises(BadKeyFile) as refusal:
        read_key_file(Secret(msgspec.json.encode(file | change).decode()))
    assert file["subject_key"] not in str(refusal.value)


def test_a_key_under_another_name_is_refused() -> None:
    file = msgspec.json.decode(make_key_file(0, origin="example.com/log"))
    file["logs"][0]["origin"] = "example.com/other"
    with pytest.raises(BadKeyFile, match="origin"):
        read_key_file(Secret(msgspec.json.encode(file).decode()))


def test_an_origin_that_no_key_can_have_is_refused() -> None:
    with pytest.raises(note.BadKey):
        make_key_file(0, origin="two words")
