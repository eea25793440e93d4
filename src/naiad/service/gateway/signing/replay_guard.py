"""Replayed requests: a change that comes again with the same signature is rejected.

AWS accepts a replay for five minutes. Here a signature in headers is remembered for as long as its date would be accepted, so
that nobody can record a request and send it again to stop, delete or overwrite something. Reads are not checked, and a presigned
URL may be used again. Dates are in whole seconds: two calls, or two attempts of one call, within one second have the same
signature (botocore does not sign the number of the attempt). So the same signature is accepted again for a moment.
"""

import datetime as dt
from collections import OrderedDict

from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.signature import VerifiedSignature
from naiad.service.gateway.signing.sigv4 import MAX_SKEW

GRACE = dt.timedelta(seconds=10)
"""One second, and the time after which a busy server may look at the other request."""
_REMEMBER_FOR = 2 * MAX_SKEW
"""A request that was signed five minutes ahead is accepted until five minutes after its date."""
_MAX_SIGNATURES = 50_000


class ReplayGuard:
    """Remembers at most ``max_signatures``; the oldest go first. For one thread."""

    def __init__(self, *, max_signatures: int = _MAX_SIGNATURES) -> None:
        self._max_signatures = max_signatures
        self._first_seen: OrderedDict[bytes, dt.timedelta] = OrderedDict()

    def __len__(self) -> int:
        return len(self._first_seen)

    def check(self, verified: VerifiedSignature, now: dt.timedelta) -> None:
        """Remembers a verified request that changes something. Raises RequestRejected when it is a replay.

        ``now``: the time on a clock that nobody sets. One that goes back must not open the moment of grace again.
        """
        if verified.is_presigned:
            return
        digest = bytes.fromhex(verified.signature)[:16]
        first_seen = self._first_seen.get(digest)
        if first_seen is None:
            self._remember(digest, now)
        elif now - first_seen > GRACE:
            raise RequestRejected("replayed", "the request came before; sign it again for another")

    def _remember(self, digest: bytes, now: dt.timedelta) -> None:
        times = self._first_seen
        times[digest] = now
        while len(times) > self._max_signatures or now - next(iter(times.values())) > _REMEMBER_FOR:
            times.popitem(last=False)
