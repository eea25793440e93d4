"""The way out: straight, or through the proxy that the environment names."""

import asyncio

import pytest

from naiad.service.aws_hosts.head import Refusal, Target
from naiad.service.aws_hosts.passthrough import Elsewhere, Upstream, upstream_of


def connected(elsewhere, target):
    async def there_and_away():
        connection = await elsewhere.connect(target)
        await connection.close()

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(there_and_away())


def test_what_an_environment_may_name():
    assert upstream_of("http://proxy:3128") == Upstream(Target("proxy", 3128), False, "")
    assert upstream_of("proxy:3128") == Upstream(Target("proxy", 3128), False, "")
    assert upstream_of("https://me:a%40b@proxy") == Upstream(Target("proxy", 443), True, "Basic bWU6YUBi")
    for none in ("", "socks5://proxy:1", "http://proxy:99999", "http://"):
        assert upstream_of(none) is None


def test_loopback_goes_straight_the_rest_through_the_proxy(outside, echo):
    elsewhere = Elsewhere({"https": f"http://127.0.0.1:{outside.port}", "no": "near.test"}, own_port=1)
    connected(elsewhere, Target("127.0.0.1", echo))
    assert outside.asked == []
    with pytest.raises(Refusal, match=r"refused pypi\.org: HTTP/1\.1 403") as caught:
        connected(elsewhere, Target("pypi.org", 443))
    assert outside.asked == ["CONNECT pypi.org:443 HTTP/1.1"]
    assert caught.value.status == 502


def test_a_proxy_that_is_ourselves_is_left_out(outside):
    elsewhere = Elsewhere({"https": f"http://127.0.0.1:{outside.port}"}, own_port=outside.port)
    with pytest.raises(Refusal, match=r"nowhere\.invalid:443 cannot be reached"):
        connected(elsewhere, Target("nowhere.invalid", 443))
    assert outside.asked == []


def test_what_does_not_answer(echo):
    with pytest.raises(Refusal, match=r"127\.0\.0\.1:1 cannot be reached"):
        connected(Elsewhere({}, own_port=1), Target("127.0.0.1", 1))
