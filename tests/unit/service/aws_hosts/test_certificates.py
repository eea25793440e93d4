"""Certificates as a client verifies them: OpenSSL's own handshake over a pair of memory buffers."""

import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from naiad.service.aws_hosts.certificates import LEAF_LIFE, make_key, make_leaf, make_root

NOW = dt.datetime.now(dt.UTC)


def handshake(tmp_path, issuer, issuer_key, name, server_hostname):
    """Raises ssl.SSLCertVerificationError as a client would."""
    key = make_key()
    certificate = make_leaf(name, key.public_key(), issuer, issuer_key, NOW)
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
        client_side.wrap_bio(down, up, server_hostname=server_hostname),
    )
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


def test_a_host_below_amazonaws_is_trusted(tmp_path):
    key = make_key()
    host = "sts.us-east-1.amazonaws.com"
    handshake(tmp_path, make_root(key, NOW), key, host, host)


@pytest.mark.parametrize("host", ["pypi.org", "amazonaws.com.example.org", "notamazonaws.com"])
def test_the_root_is_valid_for_no_other_domain(tmp_path, host):
    key = make_key()
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(tmp_path, make_root(key, NOW), key, host, host)


def test_the_root_is_valid_for_no_address_and_no_further_authority(tmp_path):
    constraints = make_root(make_key(), NOW).extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert len(constraints.value.excluded_subtrees) == 2
    basic = make_root(make_key(), NOW).extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.value.path_length == 0


def test_a_client_with_the_old_root_trusts_the_renewed_one(tmp_path):
    key = make_key()
    old, renewed = make_root(key, NOW - dt.timedelta(days=700)), make_root(key, NOW)
    certificate = make_leaf("iam.amazonaws.com", make_key().public_key(), renewed, key, NOW)
    certificate.verify_directly_issued_by(old)
    certificate.verify_directly_issued_by(renewed)


def test_a_leaf_ends_with_its_issuer():
    key = make_key()
    issuer = make_root(key, NOW)
    late = issuer.not_valid_after_utc - dt.timedelta(hours=1)
    public = make_key().public_key()
    assert make_leaf("iam.amazonaws.com", public, issuer, key, late).not_valid_after_utc == issuer.not_valid_after_utc
    ends = make_leaf("iam.amazonaws.com", public, issuer, key, NOW).not_valid_after_utc
    assert abs(ends - NOW - LEAF_LIFE) < dt.timedelta(seconds=2)
