"""One context a host, for as long as its leaf is good."""

import datetime as dt

from naiad.service.aws_hosts.authority import Authority
from naiad.service.aws_hosts.certificates import LEAF_LIFE
from naiad.service.aws_hosts.contexts import Contexts


def test_kept_renewed_and_bounded(tmp_path, clock):
    contexts = Contexts(Authority.open(tmp_path, clock, len), tmp_path, clock)
    first = contexts.of("iam.amazonaws.com")
    assert contexts.of("iam.amazonaws.com") is first
    assert contexts.of("sts.amazonaws.com") is not first
    clock.time += LEAF_LIFE - dt.timedelta(hours=23)
    renewed = contexts.of("iam.amazonaws.com")
    assert renewed is not first
    for number in range(256):
        contexts.of(f"bucket-{number}.s3.amazonaws.com")
    assert contexts.of("iam.amazonaws.com") is not renewed
    assert [path.name for path in tmp_path.iterdir()] == ["authority.pem"]
