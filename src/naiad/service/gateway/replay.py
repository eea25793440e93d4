"""Requests that come again with the same signature: what changes something is not served again later.

AWS takes a replay for five minutes. Here a signature in headers is remembered for as long as its date would let it in again,
so that a request that somebody has seen on its way cannot be sent again to stop, delete or overwrite. A read changes nothing,
and a presigned URL is made to be used again. Dates have whole seconds: what a client sends twice within one is alike, two calls
as well as two attempts of one (botocore signs neither's number), so for a moment the same signature is let in again.
"""

import datetime as dt
from collections import OrderedDict

from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.sigv4 import MAX_SKEW, Signed

GRACE = dt.timedelta(seconds=10)
"""A second, and the time that a busy server may take to look at the other request."""
_KEPT_FOR = 2 * MAX_SKEW
"""One that was signed five minutes ahead is let in until five minutes after its date."""
_MOST = 50_000


class Seen:
    """Of one server's life; at most ``most`` signatures, the oldest go first. For one thread."""

    def __init__(self, *, most: int = _MOST) -> None:
        self._most = most
        self._first: OrderedDict[bytes, dt.datetime] = OrderedDict()

    def __len__(self) -> int:
        return len(self._first)

    def check(self, signed: Signed, now: dt.datetime) -> None:
        """To be asked once a request that changes something, when its signature is known to be right. Raises Refused."""
        if signed.by_url:
            return
        mark = bytes.fromhex(signed.seed)[:16]
        first = self._first.get(mark)
        if first is None:
            self._remember(mark, now)
        elif now - first > GRACE:
            raise Refused("replayed", "the request came before; sign it again for another")

    def _remember(self, mark: bytes, now: dt.datetime) -> None:
        self._first[mark] = now
        while len(self._first) > self._most or now - next(iter(self._first.values())) > _KEPT_FOR:
            self._first.popitem(last=False)
