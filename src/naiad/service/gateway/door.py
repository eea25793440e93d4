"""The interface of a door of the gateway: which requests are its own, and what answers them."""

from typing import Protocol

from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response


class Door(Protocol):
    """``doors.py`` has the table of doors."""

    def owns(self, request: Request) -> bool:
        """Whether this door answers the request; the first door of the table that says so gets it."""

    def max_body_bytes(self, request: Request) -> int | None:
        """The longest body that is accepted. None: the bounds of head and body are not checked, because nothing is read."""

    async def handle(self, request: Request) -> Response:
        """Raises ServiceError."""

    def error_response(self, request: Request, error: ServiceError) -> Response:
        """An error in the format of this door, for what ``handle`` raised."""

    def close(self) -> None:
        """Ends its threads, if it has any."""
