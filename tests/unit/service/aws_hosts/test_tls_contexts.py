"""TLS contexts: one for each host, for as long as its certificate is valid."""

import datetime as dt

from naiad.service.aws_hosts.certificate_authority import CertificateAuthority
from naiad.service.aws_hosts.certificates import LEAF_LIFE
from naiad.service.aws_hosts.tls_contexts import TlsContexts


def test_contexts_are_cached_renewed_and_bounded(tmp_path, clock):
    contexts = TlsContexts(CertificateAuthority.open(tmp_path, clock, len), tmp_path, clock)
    first = contexts.context_for("iam.amazonaws.com")
    assert contexts.context_for("iam.amazonaws.com") is first
    assert contexts.context_for("sts.amazonaws.com") is not first
    clock.time += LEAF_LIFE - dt.timedelta(hours=23)
    renewed = contexts.context_for("iam.amazonaws.com")
    assert renewed is not first
    for number in range(256):
        contexts.context_for(f"bucket-{number}.s3.amazonaws.com")
    assert contexts.context_for("iam.amazonaws.com") is not renewed
    assert [path.name for path in tmp_path.iterdir()] == ["authority.pem"]
