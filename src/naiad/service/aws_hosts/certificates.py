"""Certificates: a root that is valid for amazonaws.com only, and leaves for one host each that live a few days.

The root itself holds the constraint, so that a thief of its key cannot imitate other sites. A renewed root keeps its key and its
name: a client that holds the old root trusts new leaves until the old root ends.
"""

import datetime as dt
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DOMAIN = "amazonaws.com"
ROOT_LIFE = dt.timedelta(days=730)
LEAF_LIFE = dt.timedelta(days=7)
_SKEW = dt.timedelta(days=1)
"""Certificates begin this long in the past, for clocks that are a little behind."""


def make_key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


def make_root(key: EllipticCurvePrivateKey, now: dt.datetime) -> x509.Certificate:
    name = _name(f"Naiad on this machine, for {DOMAIN} only")
    all_addresses = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    constraints = x509.NameConstraints([x509.DNSName(DOMAIN)], [x509.IPAddress(network) for network in all_addresses])
    return (
        _builder(name, name, key.public_key(), now, now + ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(constraints, critical=True)
        .sign(key, hashes.SHA256())
    )


def make_leaf(
    host: str,
    public_key: CertificatePublicKeyTypes,
    issuer: x509.Certificate,
    issuer_key: EllipticCurvePrivateKey,
    now: dt.datetime,
) -> x509.Certificate:
    """Returns a certificate for one host. It ends no later than its issuer."""
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    ends = min(now + LEAF_LIFE, issuer.not_valid_after_utc)
    return (
        _builder(_name("Naiad"), issuer.subject, public_key, now, ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: CertificatePublicKeyTypes,
    now: dt.datetime,
    ends: dt.datetime,
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return x509.CertificateBuilder(
        issuer, subject, public_key, x509.random_serial_number(), now - _SKEW, ends
    ).add_extension(identifier, critical=False)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
