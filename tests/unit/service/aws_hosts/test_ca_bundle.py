"""The CA bundle: the usual roots, those that the environment names, and our own."""

import stat

from naiad.service.aws_hosts.ca_bundle import BUNDLE_FILE, write_ca_bundle

BEGIN = b"-----BEGIN CERTIFICATE-----"
OURS = BEGIN + b"\nAAAA\n-----END CERTIFICATE-----\n"
COMPANY = BEGIN + b"\nBBBB\n-----END CERTIFICATE-----"


def test_each_certificate_stands_once(tmp_path):
    company = tmp_path / "company.pem"
    company.write_bytes(b"# the company's\n" + COMPANY + b"\n" + COMPANY)
    path = write_ca_bundle(
        tmp_path, OURS, {"REQUESTS_CA_BUNDLE": str(company), "SSL_CERT_FILE": str(company), "OTHER": "x"}
    )
    content = path.read_bytes()
    usual = write_ca_bundle(tmp_path, OURS, {}).read_bytes().count(BEGIN)
    assert usual > 50
    assert content.count(BEGIN) == usual + 1
    assert content.count(COMPANY) == 1
    assert content.endswith(OURS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_older_bundle_of_ours_is_left_out(tmp_path):
    old = tmp_path / "old" / BUNDLE_FILE
    old.parent.mkdir()
    old.write_bytes(COMPANY)
    path = write_ca_bundle(
        tmp_path, OURS, {"AWS_CA_BUNDLE": str(old), "REQUESTS_CA_BUNDLE": str(tmp_path / "gone.pem")}
    )
    assert COMPANY not in path.read_bytes()
