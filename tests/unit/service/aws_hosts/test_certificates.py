"""What a client makes of them: asked of OpenSSL itself, over a pair of memory buffers."""

import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from naiad.service.aws_hosts.certificates import LEAF_LIFE, leaf, new_key, root

NOW = dt.datetime.now(dt.UTC)


def shaken(tmp_path, issuer, issuer_key, name, asked):
    """Raises ssl.SSLCertVerificationError as a client would."""
    key = new_key()
    certificate = leaf(name, key.public_key(), issuer, issuer_key, NOW)
    file = tmp_path / "leaf.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(file)
    client_side = ssl.create_default_context(cadata=issuer.public_bytes(Encoding.PEM).decode())
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server, client = (
        server_side.wrap_bio(up, down, server_side=True),
        client_side.wrap_bio(down, up, server_hostname=asked),
    )
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


def test_a_host_of_amazonaws_is_vouched_for(tmp_path):
    key = new_key()
    host = "sts.us-east-1.amazonaws.com"
    shaken(tmp_path, root(key, NOW), key, host, host)


@pytest.mark.parametrize("host", ["pypi.org", "amazonaws.com.example.org", "notamazonaws.com"])
def test_the_root_can_vouch_for_nothing_else(tmp_path, host):
    key = new_key()
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shaken(tmp_path, root(key, NOW), key, host, host)


def test_nor_for_an_address_nor_through_another_authority(tmp_path):
    only = root(new_key(), NOW).extensions.get_extension_for_class(x509.NameConstraints)
    assert only.critical
    assert len(only.value.excluded_subtrees) == 2
    basic = root(new_key(), NOW).extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.value.path_length == 0


def test_a_renewed_root_is_known_by_who_knows_the_old_one(tmp_path):
    key = new_key()
    old, renewed = root(key, NOW - dt.timedelta(days=700)), root(key, NOW)
    certificate = leaf("iam.amazonaws.com", new_key().public_key(), renewed, key, NOW)
    certificate.verify_directly_issued_by(old)
    certificate.verify_directly_issued_by(renewed)


def test_a_leaf_ends_with_its_issuer():
    key = new_key()
    issuer = root(key, NOW)
    late = issuer.not_valid_after_utc - dt.timedelta(hours=1)
    public = new_key().public_key()
    assert leaf("iam.amazonaws.com", public, issuer, key, late).not_valid_after_utc == issuer.not_valid_after_utc
    ends = leaf("iam.amazonaws.com", public, issuer, key, NOW).not_valid_after_utc
    assert abs(ends - NOW - LEAF_LIFE) < dt.timedelta(seconds=2)
