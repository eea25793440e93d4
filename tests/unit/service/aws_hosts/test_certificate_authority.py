"""The certificate authority: created once, renewed with the same key, and not trusted when its file is damaged."""

import datetime as dt
import stat

import pytest
from cryptography import x509

from naiad.errors import FolderError
from naiad.service.aws_hosts.certificate_authority import CertificateAuthority
from naiad.service.aws_hosts.certificates import ROOT_LIFE


def open_authority(folder, clock):
    published = []
    return CertificateAuthority.open(folder, clock, published.append), published


def test_the_file_is_made_once_and_for_the_owner_only(tmp_path, clock):
    folder = tmp_path / "aws-hosts"
    _, first = open_authority(folder, clock)
    _, second = open_authority(folder, clock)
    assert len(first) == 1
    assert first == second
    assert b"PRIVATE" not in first[0]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "authority.pem").stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_closed_again(tmp_path, clock):
    open_authority(tmp_path, clock)
    (tmp_path / "authority.pem").chmod(0o644)
    open_authority(tmp_path, clock)
    assert stat.S_IMODE((tmp_path / "authority.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("while_it_runs", [True, False])
def test_renewed_before_its_end_with_the_same_key(tmp_path, clock, while_it_runs):
    authority, published = open_authority(tmp_path, clock)
    old = x509.load_pem_x509_certificate(published[0])
    clock.time += ROOT_LIFE - dt.timedelta(days=59)
    if not while_it_runs:
        authority, published = open_authority(tmp_path, clock)
    pem, ends = authority.issue("iam.amazonaws.com")
    assert len(published) == (2 if while_it_runs else 1)
    renewed = x509.load_pem_x509_certificate(published[-1])
    assert renewed.public_key() == old.public_key()
    assert renewed.not_valid_after_utc > old.not_valid_after_utc
    assert ends < old.not_valid_after_utc
    x509.load_pem_x509_certificate(pem).verify_directly_issued_by(old)
    assert open_authority(tmp_path, clock)[1] == [published[-1]]


def test_a_clock_set_back_far_makes_a_root_valid_from_that_day(tmp_path, clock):
    open_authority(tmp_path, clock)
    clock.time -= dt.timedelta(days=30)
    assert x509.load_pem_x509_certificate(open_authority(tmp_path, clock)[1][0]).not_valid_before_utc < clock.time


def test_a_damaged_file_is_an_error_and_is_not_replaced(tmp_path, clock):
    open_authority(tmp_path, clock)
    file, other = tmp_path / "authority.pem", tmp_path / "other"
    open_authority(other, clock)
    marker = b"-----BEGIN CERTIFICATE"
    key, foreign = file.read_bytes().split(marker)[0], marker + (other / "authority.pem").read_bytes().split(marker)[1]
    for content in (b"", b"not PEM", key, key + foreign):
        file.write_bytes(content)
        with pytest.raises(FolderError, match=r"authority\.pem cannot be read or made") as caught:
            open_authority(tmp_path, clock)
        assert "take the file away" in caught.value.hint
