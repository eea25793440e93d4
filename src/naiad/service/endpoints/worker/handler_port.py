"""Contracts of what answers requests in a worker: in batches on the worker's thread, or concurrently in another process."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from naiad.service.endpoints.worker.inference import InferenceRequest, InferenceResponse


class BatchHandler(Protocol):
    """Answers several requests at once, on the worker's only thread."""

    max_batch_size: int
    """Largest number of requests in one call."""

    def handle(self, requests: Sequence[InferenceRequest]) -> list[InferenceResponse]:
        """Returns one response for each request, in their order. An exception is a defect of ours and becomes 424 for all."""


@runtime_checkable
class PassthroughHandler(Protocol):
    """Passes requests on to another process, many at a time."""

    async def handle(self, request: InferenceRequest) -> InferenceResponse:
        """Raises ModelProcessExited."""

    async def is_healthy(self) -> bool: ...

    async def wait_exited(self) -> None:
        """Returns when the process has exited by itself."""

    async def close(self) -> None: ...
