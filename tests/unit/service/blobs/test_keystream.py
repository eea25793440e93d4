from naiad.service.blobs.keystream import make_keystream


def test_the_keystream_of_the_standard() -> None:
    """Counter mode's example for AES-256 in NIST's SP 800-38A, F.5.5."""
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    nonce = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
    plain = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
    encrypted = bytes.fromhex("601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5")
    assert make_keystream(key, nonce, 0).update(plain) == encrypted
    assert make_keystream(key, nonce, 20).update(encrypted[20:]) == plain[20:]
