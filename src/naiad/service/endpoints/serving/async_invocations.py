"""Asynchronous invocations (InvokeEndpointAsync): the input is an object in S3, and so is the response.

An accepted request is a file below <state>/endpoints/<endpoint>/async until its response is stored. A server that starts again
carries on with it.
"""

import asyncio
import datetime as dt
import json
import logging
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from naiad import durable
from naiad.service.blobs.port import BlobStore, ObjectAttributes
from naiad.service.contract.s3_uri import S3Uri, parse_s3_uri
from naiad.service.domain.clock import Clock
from naiad.service.domain.elapsed_times import ElapsedTimes
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid, NotFound, ServiceError
from naiad.service.endpoints.frames import encode_meta
from naiad.service.endpoints.rollout import Rollout
from naiad.service.endpoints.serving.concurrency_limit import ConcurrencyLimit
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse, NotReady, error_response
from naiad.service.endpoints.serving.router import EndpointRouter
from naiad.service.store.entity_port import EntityStore

_LOG = logging.getLogger(__name__)
_MAX_INPUT_BYTES = 64 * 2**20 - 2**16
"""AWS takes up to 1 GB; here an input goes to its replica in one frame."""
_DEFAULT_CONCURRENCY = 16
"""Concurrent requests of an endpoint whose configuration sets no number."""
_UNAVAILABLE = 503
_RETRY_AFTER_S = 1.0


@dataclass(frozen=True)
class AsyncRequest:
    """Request as it is kept on disk."""

    endpoint: str
    inference_id: str
    input_location: str
    content_type: str
    accept: str
    custom_attributes: str
    ttl_s: int
    """A request that has waited so long is given up."""
    timeout_s: int
    """Time that a replica may take."""
    accepted_at: float = 0.0
    """Seconds since 1970."""
    output_location: str = ""
    failure_location: str = ""


@dataclass
class AsyncInvocations:
    """Used on the event loop's thread only."""

    router: EndpointRouter
    entities: EntityStore
    blobs: BlobStore
    clock: Clock
    state_folder: Path
    _limits: dict[str, ConcurrencyLimit] = field(default_factory=dict)
    """Limits by endpoint, so that a slow one does not hold up the others."""
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _elapsed: ElapsedTimes[str] = field(init=False)
    """How long ago requests were accepted."""

    def __post_init__(self) -> None:
        self._elapsed = ElapsedTimes(self.clock)

    async def accept(self, request: AsyncRequest, rollout: Rollout) -> AsyncRequest:
        """Returns the request with its locations; it is on disk then. Raises Invalid."""
        if not rollout.async_inference_config:
            raise Invalid(
                f"endpoint {request.endpoint} has no AsyncInferenceConfig; invoke it, or give its configuration one"
            )
        uri = parse_s3_uri(request.input_location, at="InputLocation")
        if not uri.key:
            raise Invalid(f"InputLocation is {request.input_location!r}: give an object, s3://bucket/key")
        config = rollout.async_inference_config["OutputConfig"]
        output_path, name = config["S3OutputPath"], uuid4().hex
        failure_path = config.get("S3FailurePath", output_path)
        accepted = replace(
            request,
            accepted_at=self.clock.now().timestamp(),
            output_location=f"{output_path.rstrip('/')}/{name}.out",
            failure_location=f"{failure_path.rstrip('/')}/{name}-error.out",
        )
        path = self.state_folder / "endpoints" / request.endpoint / "async" / f"{name}.json"
        await asyncio.to_thread(_save, accepted, path)
        self._start(accepted, path)
        return accepted

    async def resume(self) -> None:
        """Starts the requests that an earlier server has accepted."""
        for path in await asyncio.to_thread(lambda: sorted(self.state_folder.glob("endpoints/*/async/*.json"))):
            try:
                request = AsyncRequest(**json.loads(await asyncio.to_thread(path.read_text)))
            except (OSError, ValueError, TypeError) as error:
                _LOG.error("%s cannot be read: %s; that inference is not made", path, error)
                continue
            self._start(request, path)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _start(self, request: AsyncRequest, path: Path) -> None:
        self._waited_s(request)
        task = asyncio.get_running_loop().create_task(self._run(request, path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, request: AsyncRequest, path: Path) -> None:
        """Repeats attempts until the response is stored. A request that waits to be repeated holds up no other."""
        while not await self._attempt(request):
            await asyncio.sleep(_RETRY_AFTER_S)
        self._elapsed.forget(lambda thing: thing == request.output_location)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _attempt(self, request: AsyncRequest) -> bool:
        """Makes one attempt when the endpoint has a free slot. Returns whether the response is stored."""
        limit = self._limits.setdefault(request.endpoint, ConcurrencyLimit())
        try:
            async with limit.slot(lambda: self._concurrency(request.endpoint)):
                return await self._answer(request)
        except (ServiceError, OSError) as error:
            _LOG.warning("async inference %s: %s; trying again", request.inference_id, error)
            return False
        finally:
            if limit.is_unused:
                self._limits.pop(request.endpoint, None)

    def _concurrency(self, endpoint: str) -> int:
        """Returns MaxConcurrentInvocationsPerInstance, times the instances that are desired now."""
        try:
            rollout = self.router.rollout(endpoint)
        except ServiceError:
            return _DEFAULT_CONCURRENCY
        client = (rollout.async_inference_config or {}).get("ClientConfig") or {}
        per_instance = client.get("MaxConcurrentInvocationsPerInstance")
        if per_instance is None:
            return _DEFAULT_CONCURRENCY
        states = self.router.variant_states(endpoint)
        counts = (max(1, states[one.name].desired_count) for one in rollout.variants if one.name in states)
        return int(per_instance) * sum(counts)

    async def _answer(self, request: AsyncRequest) -> bool:
        """Stores the response, or the reason why there is none. Returns False when the request must be repeated.

        Raises ServiceError, OSError when the store fails.
        """
        source = parse_s3_uri(request.input_location, at="InputLocation")
        try:
            response = await self._invoke(request, source)
        except (Invalid, NotFound) as error:
            response = error_response(400, str(error))
        if response is None:
            return False
        location = request.output_location if response.status == 200 else request.failure_location
        target = parse_s3_uri(location, at="the location of the output")
        attributes = ObjectAttributes(response.content_type or "application/octet-stream")
        await asyncio.to_thread(self.blobs.put, target.bucket, target.key, response.pieces, attributes=attributes)
        return True

    async def _invoke(self, request: AsyncRequest, source: S3Uri) -> InvocationResponse | None:
        """Returns None when no replica can take it now."""
        if self._waited_s(request) > request.ttl_s:
            return error_response(408, f"it waited longer than its {request.ttl_s} s")
        body = await asyncio.to_thread(self._read, source)
        meta = encode_meta(request.content_type, request.accept, request.custom_attributes)
        pending = asyncio.get_running_loop().create_future()
        timeout_s = float(request.timeout_s)
        invocation = Invocation(meta, body, pending, time.monotonic(), request.inference_id, timeout_s)
        try:
            self.router.submit(request.endpoint, invocation, is_retry=True)
        except NotReady:
            return None
        except NotFound:
            await asyncio.to_thread(self.entities.get, EntityKind.ENDPOINT, request.endpoint)
            return None  # it exists and is not in service; it may be soon
        response = await invocation.response
        return response if response.status != _UNAVAILABLE else None

    def _waited_s(self, request: AsyncRequest) -> float:
        accepted_at = dt.datetime.fromtimestamp(request.accepted_at, dt.UTC)
        return self._elapsed.since_s(request.output_location, accepted_at)

    def _read(self, source: S3Uri) -> bytes:
        info = self.blobs.head(source.bucket, source.key)
        if info.size > _MAX_INPUT_BYTES:
            raise Invalid(f"the input has {info.size:,} bytes; at most {_MAX_INPUT_BYTES:,} are allowed")
        _, content = self.blobs.read(source.bucket, source.key)
        return b"".join(content)


def _save(request: AsyncRequest, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.write_file(path, json.dumps(asdict(request)).encode(), mode=0o600)
