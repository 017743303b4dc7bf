"""The text of proofs: written as its specification says, read back, and refused when it is something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.receipts import tlog_proof
from tallygate.receipts.tlog_proof import BadProof, Proof

CHECKPOINT = (
    b"example.com/log\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\xe2\x80\x94 example.com/log AAAAAAAA\n"
)
HASH = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
HEAD = f"c2sp.org/tlog-proof@v1\nindex 2\n{HASH}\n\n".encode()


def test_the_form_of_a_proof() -> None:
    proof = Proof(2, (bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"),), CHECKPOINT)
    assert tlog_proof.write(proof) == HEAD + CHECKPOINT
    assert tlog_proof.read(HEAD + CHECKPOINT) == proof


def test_the_only_leaf_has_no_path() -> None:
    data = b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + CHECKPOINT
    assert tlog_proof.read(data) == Proof(0, (), CHECKPOINT)
    assert tlog_proof.write(Proof(0, (), CHECKPOINT)) == data


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    st.none() | st.binary(max_size=40),
)
def test_what_is_written_is_read(index: int, path: tuple[bytes, ...], extra: bytes | None) -> None:
    proof = Proof(index, path, CHECKPOINT, extra)
    assert tlog_proof.read(tlog_proof.write(proof)) == proof


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD[:-1] + CHECKPOINT.replace(b"\n\n", b"\n"),
        HEAD.replace(b"@v1", b"@v2") + CHECKPOINT,
        HEAD.replace(b"index 2", b"index 02") + CHECKPOINT,
        HEAD.replace(b"index 2", b"index -2") + CHECKPOINT,
        HEAD.replace(b"index 2\n", b"") + CHECKPOINT,
        HEAD.replace(b"index 2", b"index 2\nextra QQ==") + CHECKPOINT,
        HEAD.replace(b"index 2", b"extra QR==\nindex 2") + CHECKPOINT,
        HEAD.replace(b"CsUY", b"CsU") + CHECKPOINT,
        HEAD.replace(HASH.encode(), b"QQ==") + CHECKPOINT,
        HEAD.replace(HASH.encode(), b"\n".join([HASH.encode()] * 64)) + CHECKPOINT,
        HEAD.replace(b"\n", b"\r\n") + CHECKPOINT,
        HEAD.replace(b"index", b"\xffindex") + CHECKPOINT,
        HEAD + CHECKPOINT + b"x" * tlog_proof.PROOF_BYTES_MAX,
    ],
)
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    with pytest.raises(BadProof):
        tlog_proof.read(data)


@given(st.binary(max_size=200))
def test_noise_is_refused_with_one_error(data: bytes) -> None:
    with pytest.raises(BadProof):
        tlog_proof.read(data)
    with pytest.raises(BadProof):
        tlog_proof.read(b"c2sp.org/tlog-proof@v1\n" + data)
