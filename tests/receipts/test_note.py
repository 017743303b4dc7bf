"""Signed notes: the vectors of Go's package, keys that are held to their form, and notes that are not."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.genai.secret import Secret
from tallygate.receipts import note

# The keys and notes that Go's golang.org/x/mod/sumdb/note is tested with.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
BOTH = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode()


def test_a_signature_is_the_one_go_makes() -> None:
    signer = note.read_signer(Secret(PETER_PRIVATE))
    assert signer.sign(TEXT) == f"{TEXT}\n{PETER_LINE}".encode()
    assert signer.verifier.vkey == PETER
    assert signer.export() == Secret(PETER_PRIVATE)


def test_notes_of_go_verify() -> None:
    parsed = note.parse(BOTH)
    assert parsed.text == TEXT
    assert note.write(parsed) == BOTH
    assert [one.vkey for one in note.verify(parsed, [PETER])] == [PETER]
    assert [one.vkey for one in note.verify(parsed, [ENOCH, PETER])] == [PETER, ENOCH]


def test_a_note_that_nobody_trusted_has_signed_says_nothing() -> None:
    stranger = note.generate("PeterNeumann").verifier.vkey  # the same name, another key
    with pytest.raises(note.BadNote, match="no key that is trusted"):
        note.verify(note.parse(BOTH), [stranger])
    with pytest.raises(note.BadNote, match="no key that is trusted"):
        note.verify(note.parse(BOTH), [])


def test_a_false_signature_of_a_known_key_spoils_the_note() -> None:
    other = note.read_signer(Secret(PETER_PRIVATE)).sign("another text\n").decode().splitlines(keepends=True)[-1]
    with pytest.raises(note.BadNote, match="not that key's"):
        note.verify(note.parse(f"{TEXT}\n{other}{ENOCH_LINE}".encode()), [PETER, ENOCH])


def test_lines_of_unknown_keys_and_other_kinds_are_ignored() -> None:
    foreign = "— witness.example mJirIklj\n".replace("mJirIklj", "AAAAAAEC" * 40)
    parsed = note.parse(f"{TEXT}\n{foreign}{PETER_LINE}{PETER_LINE}".encode())
    assert len(note.verify(parsed, [PETER])) == 1


def test_every_changed_byte_is_noticed() -> None:
    whole = f"{TEXT}\n{PETER_LINE}".encode()
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises(note.BadNote):
            note.verify(note.parse(changed), [PETER])


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}\n{PETER_LINE[:-1]}".encode(),
        f"\x01{TEXT}\n{PETER_LINE}".encode(),
        f"{TEXT}\n{PETER_LINE}".encode().replace(b"\n", b"\r\n"),
        b"\xff" + BOTH,
        f"{TEXT}\n— Bad Name {PETER_LINE.rsplit(maxsplit=1)[-1]}\n".encode(),
        f"{TEXT}\n— Bad+Name {PETER_LINE.rsplit(maxsplit=1)[-1]}\n".encode(),
        f"{TEXT}\n{PETER_LINE}Unexpected line.\n".encode(),
        f"{TEXT}\n{PETER_LINE[:-2]}\n".encode(),
        f"{TEXT}\n— PeterNeumann x08go/==\n".encode(),
        f"{TEXT}\n— PeterNeumann x08gow==\n".encode(),
        f"{TEXT}\n{PETER_LINE * (note.SIGNATURES_MAX + 1)}".encode(),
        b"a" * note.NOTE_BYTES_MAX + BOTH,
        b"",
        b"\n\n",
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(note.BadNote):
        note.parse(data)


@given(st.binary(max_size=300))
def test_noise_is_refused_with_one_error(data: bytes) -> None:
    with pytest.raises(note.BadNote):
        note.verify(note.parse(data), [PETER])


def test_a_text_may_hold_empty_lines() -> None:
    signer = note.generate("example.com/log")
    text = "one\n\ntwo\n\n\n"
    parsed = note.parse(signer.sign(text))
    assert parsed.text == text
    assert note.verify(parsed, [signer.verifier.vkey]) == (signer.verifier,)


def test_a_text_without_its_newline_is_not_signed() -> None:
    with pytest.raises(note.BadNote):
        note.generate("example.com/log").sign("abc")


def test_every_mangled_key_is_refused() -> None:
    for text, read in ((PETER, note.read_verifier), (PETER_PRIVATE, read_private)):
        assert read(text)
        for start in range(len(text)):
            for end in range(start + 1, len(text) + 1):
                if (start, end) != (0, len(text)):
                    with pytest.raises(note.BadKey):
                        read(text[start:end])
        for at in range(len(text)):
            with pytest.raises(note.BadKey):
                read(text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :])
    for bad in (
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ):
        with pytest.raises(note.BadKey):
            note.read_verifier(bad)


def test_a_key_has_a_name_that_a_line_can_carry() -> None:
    for name in ("", "two words", "a+b", "line\nend"):
        with pytest.raises(note.BadKey):
            note.generate(name)


def test_a_signer_does_not_show_its_key() -> None:
    signer = note.read_signer(Secret(PETER_PRIVATE))
    assert "AYEK" not in repr(signer)
    with pytest.raises(TypeError):
        pickle.dumps(signer)


def read_private(text: str) -> note.Signer:
    return note.read_signer(Secret(text))
