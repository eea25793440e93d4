import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from naiad.service.blobs import customer_key
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


@given(sizes=some.lists(some.integers(0, 20), max_size=5), step=some.integers(1, 30), start=some.integers(0, 100))
def test_data_in_chunks_is_decrypted_with_one_keystream_for_each_piece(sizes: list[int], step: int, start: int) -> None:
    pieces, content = [(size, new_nonce()) for size in sizes], bytes(range(sum(sizes)))
    encrypted, bounds = b"", list(itertools.accumulate(sizes, initial=0))
    for (begin, end), (_, nonce) in zip(itertools.pairwise(bounds), pieces, strict=True):
        encrypted += keystream(KEY, nonce).update(content[begin:end])
    used: list[str] = []

    def record(key: bytes, nonce: str, *, offset: int) -> customer_key.Keystream:
        used.append(nonce)
        return keystream(key, nonce, offset=offset)

    decryption = Decryption(KEY, pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(customer_key, "keystream", record)
        chunks = [decryption.decrypt(at, encrypted[at : at + step]) for at in range(start, len(encrypted), step)]
    assert b"".join(chunks) == content[start:]
    assert len(used) == len(set(used))


def test_a_nonce_at_the_end_of_the_counter() -> None:
    nonce = "f" * 32
    whole = keystream(KEY, nonce).update(bytes(64))
    assert keystream(KEY, nonce, offset=33).update(bytes(31)) == whole[33:]
