import pytest
from hypothesis import given
from hypothesis import strategies as some

from naiad.service.blobs.customer_key import Decryption, check_key, keystream, new_nonce, seal_key
from naiad.service.blobs.errors import CustomerKeyMismatch

KEY, OTHER = b"k" * 32, b"o" * 32


def test_a_seal_knows_its_key_and_no_other() -> None:
    seal = seal_key(KEY)
    check_key(KEY, seal)
    check_key(None, None)
    assert seal != seal_key(KEY)
    for key, wrong in ((OTHER, seal), (None, seal), (KEY, None)):
        with pytest.raises(CustomerKeyMismatch):
            check_key(key, wrong)


@given(
    content=some.binary(max_size=200), cut=some.integers(0, 200), start=some.integers(0, 200), size=some.integers(0, 90)
)
def test_any_range_of_pieces_is_decrypted(content: bytes, cut: int, start: int, size: int) -> None:
    pieces = [(len(one), new_nonce()) for one in (content[:cut], content[cut:])]
    encrypted = b"".join(
        keystream(KEY, nonce).update(one)
        for one, (_, nonce) in zip((content[:cut], content[cut:]), pieces, strict=True)
    )
    assert Decryption(KEY, pieces).decrypt(start, encrypted[start : start + size]) == content[start : start + size]


def test_a_nonce_at_the_end_of_the_counter() -> None:
    nonce = "f" * 32
    whole = keystream(KEY, nonce).update(bytes(64))
    assert keystream(KEY, nonce, offset=33).update(bytes(31)) == whole[33:]
