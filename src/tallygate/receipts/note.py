"""Signed notes: a text and the signatures of those who vouch for it (https://c2sp.org/signed-note).

Ed25519 only, signature type 1. Keys are written as Go's `sumdb/note` writes them, so its tools read ours. A verifier
trusts only keys it was given; a note's own lines name keys, they never bring one.
"""

from collections.abc import Iterable
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from tallygate.genai.secret import Secret
from tallygate.receipts import base64_text

ED25519 = b"\x01"
KEY_BYTES = 32
KEY_ID_BYTES = 4
NOTE_BYTES_MAX = 262_144
SIGNATURES_MAX = 64
"""The specification wants room for at least 16 signatures, of which some may have 5 kB."""

_DASH = "\u2014 "
_PRIVATE = "PRIVATE+KEY+"


class BadNote(ValueError):
    """This is not a signed note, or nobody who is trusted has signed it. The text says why."""


class BadKey(ValueError):
    """This is not a key of an Ed25519 note signer. The text shows nothing of it."""


class Signature(Struct, frozen=True):
    """One line under a note: whose key, as a name and the four bytes of its id, and the bytes it made."""

    name: str
    key_id: bytes
    signature: bytes


class Note(Struct, frozen=True):
    """A text, which ends with a newline, and its signatures. It says nothing until a signature is verified."""

    text: str
    signatures: tuple[Signature, ...]


class Verifier(Struct, frozen=True):
    """A public key and the name it signs under."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as text, ready to be pinned: `name+id+base64`."""
        return f"{self.name}+{self.key_id.hex()}+{base64_text.encode(ED25519 + self.key)}"


class Signer:
    """A private key and the name it signs under. It shows nothing of the key."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        _check_name(name)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """A note of this text with this one signature. Raises BadNote for a text that no note may have."""
        _check_text(text)
        signature = Signature(self.verifier.name, self.verifier.key_id, self._key.sign(text.encode()))
        return write(Note(text, (signature,)))

    def export(self) -> Secret:
        """The key as text, as `read_signer` reads it."""
        verifier = self.verifier
        seed = base64_text.encode(ED25519 + self._key.private_bytes_raw())
        return Secret(f"{_PRIVATE}{verifier.name}+{verifier.key_id.hex()}+{seed}")


def generate(name: str) -> Signer:
    """A new key for a name. Raises BadKey for a name that no key may have."""
    return Signer(name, Ed25519PrivateKey.generate().private_bytes_raw())


def read_signer(skey: Secret) -> Signer:
    """The signer of a text such as `PRIVATE+KEY+name+id+base64`. Raises BadKey."""
    text = skey.reveal()
    if not text.startswith(_PRIVATE):
        raise BadKey("a private note key begins with PRIVATE+KEY+")
    name, key_id, seed = _split_key(text.removeprefix(_PRIVATE))
    signer = Signer(name, seed)
    if signer.verifier.key_id.hex() != key_id:
        raise BadKey("the id in a private note key is not that of its key")
    return signer


def read_verifier(vkey: str) -> Verifier:
    """The verifier of a text such as `name+id+base64`. Raises BadKey."""
    name, key_id, key = _split_key(vkey)
    verifier = Verifier(name, key)
    if verifier.key_id.hex() != key_id:
        raise BadKey("the id in a note key is not that of its key")
    return verifier


def parse(data: bytes) -> Note:
    """Take a note apart without believing it. Raises BadNote."""
    if len(data) > NOTE_BYTES_MAX:
        raise BadNote("a note is too long")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise BadNote("a note is UTF-8") from error
    _check_text(whole)
    # The text may hold empty lines: only the last one separates.
    text, separator, block = whole.rpartition("\n\n")
    if not separator or not block:
        raise BadNote("a note is a text, an empty line and lines of signatures")
    lines = block[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise BadNote("a note has too many signatures")
    return Note(text + "\n", tuple(_parse_line(line) for line in lines))


def write(note: Note) -> bytes:
    """The bytes of a note."""
    lines = [f"{_DASH}{one.name} {base64_text.encode(one.key_id + one.signature)}\n" for one in note.signatures]
    return f"{note.text}\n{''.join(lines)}".encode()


def verify(note: Note, vkeys: Iterable[str]) -> tuple[Verifier, ...]:
    """Those of the given keys that have signed the note, each once; at least one. Lines of other keys are ignored.

    Raises BadNote when nobody of them has, or when a line of one of them is not that key's signature; BadKey for a key
    that is none.
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in map(read_verifier, vkeys)}
    signed: dict[Verifier, None] = {}
    for line in note.signatures:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(verifier.key).verify(line.signature, note.text.encode())
        except (InvalidSignature, ValueError) as error:
            raise BadNote(f"the signature of {verifier.name} is not that key's") from error
        signed[verifier] = None
    if not signed:
        raise BadNote("no key that is trusted has signed the note")
    return tuple(signed)


def _parse_line(line: str) -> Signature:
    name, blank, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not blank or not _is_name(name):
        raise BadNote("a signature line is a dash, a name and base64")
    try:
        data = base64_text.decode(encoded)
    except ValueError as error:
        raise BadNote("a signature is canonical base64") from error
    if len(data) <= KEY_ID_BYTES:
        raise BadNote("a signature is longer than the id of its key")
    return Signature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def _split_key(text: str) -> tuple[str, str, bytes]:
    """Name, id in hexadecimal, and the 32 bytes of a key. Raises BadKey."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise BadKey("a note key has a name, an id and base64")
    name, key_id, encoded = parts
    _check_name(name)
    try:
        data = base64_text.decode(encoded)
    except ValueError as error:
        raise BadKey("a note key ends with canonical base64") from error
    if data[:1] != ED25519 or len(data) != 1 + KEY_BYTES:
        raise BadKey("a note key is an Ed25519 key")
    return name, key_id, data[1:]


def _check_name(name: str) -> None:
    if not _is_name(name):
        raise BadKey("the name of a note key is not empty and has neither blanks nor '+'")


def _is_name(name: str) -> bool:
    return name != "" and "+" not in name and not any(character.isspace() for character in name)


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(character < " " and character != "\n" for character in text):
        raise BadNote("a note ends with a newline and has no other control characters")
