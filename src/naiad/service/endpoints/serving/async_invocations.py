"""InvokeEndpointAsync: the input is an object, the answer another one, and a server that is killed in between goes on with it.

An accepted request is a file below <state>/endpoints/<endpoint>/async; it goes when its answer is stored.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from naiad import durable
from naiad.service.blobs.port import BlobStore, ObjectAttributes
from naiad.service.contract.s3_uri import S3Uri, parse_s3_uri
from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid, NotFound, ServiceError
from naiad.service.endpoints.frames import encode_meta
from naiad.service.endpoints.rollout import Plan
from naiad.service.endpoints.serving.invocation import Call, NotNow, Reply
from naiad.service.endpoints.serving.reconciler import EndpointManager
from naiad.service.endpoints.serving.threads import in_thread

_LOG = logging.getLogger(__name__)
_MOST_INPUT_BYTES = 64 * 2**20 - 2**16
"""AWS takes up to 1 GB; here an input goes to its replica in one frame."""
_MOST_AT_ONCE = 16
"""Of an endpoint, where its configuration does not say."""
_FULL = 503
_AGAIN_AFTER_S = 1.0


@dataclass(frozen=True)
class AsyncRequest:
    endpoint: str
    inference_id: str
    input_location: str
    content_type: str
    accept: str
    custom_attributes: str
    ttl_s: int
    """After so long in the queue it is given up."""
    timeout_s: int
    """How long its replica may take."""
    accepted_at: float = 0.0
    """Seconds since 1970."""
    output_location: str = ""
    failure_location: str = ""


@dataclass
class AsyncInvocations:
    """For the loop's thread."""

    endpoints: EndpointManager
    blobs: BlobStore
    clock: Clock
    state_folder: Path
    _rooms: dict[str, "Room"] = field(default_factory=dict)
    """By endpoint: one that is slow holds up no other."""
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def accept(self, asked: AsyncRequest, plan: Plan) -> AsyncRequest:
        """On disk when it returns. Raises Invalid."""
        assert plan.asynchronous is not None
        uri = parse_s3_uri(asked.input_location, at="InputLocation")
        if not uri.key:
            raise Invalid(f"InputLocation is {asked.input_location!r}: give an object, s3://bucket/key")
        config = plan.asynchronous["OutputConfig"]
        name = uuid4().hex
        output = f"{config['S3OutputPath'].rstrip('/')}/{name}.out"
        failure = f"{config.get('S3FailurePath', config['S3OutputPath']).rstrip('/')}/{name}-error.out"
        values = {
            **asdict(asked),
            "accepted_at": self.clock.now().timestamp(),
            "output_location": output,
            "failure_location": failure,
        }
        kept = AsyncRequest(**values)
        path = self._folder(asked.endpoint) / f"{name}.json"
        await in_thread(lambda: _write(path, values))
        self._begin(kept, path)
        return kept

    async def resume(self) -> None:
        """Begins what an earlier server had accepted."""
        for path in await in_thread(lambda: sorted(self.state_folder.glob("endpoints/*/async/*.json"))):
            values = json.loads(await in_thread(path.read_text))
            self._begin(AsyncRequest(**values), path)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _folder(self, endpoint: str) -> Path:
        return self.state_folder / "endpoints" / endpoint / "async"

    def _begin(self, asked: AsyncRequest, path: Path) -> None:
        task = asyncio.get_running_loop().create_task(self._follow(asked, path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, asked: AsyncRequest, path: Path) -> None:
        """Until it is answered. While it waits for another time it holds up nobody."""
        while not await self._is_answered(asked):
            await asyncio.sleep(_AGAIN_AFTER_S)
        await in_thread(lambda: path.unlink(missing_ok=True))

    async def _is_answered(self, asked: AsyncRequest) -> bool:
        """One attempt, when the endpoint has room for it."""
        room = self._rooms.setdefault(asked.endpoint, Room())
        try:
            async with room.place(lambda: self._most_at_once(asked.endpoint)):
                return await self._answer(asked)
        except (ServiceError, OSError) as error:
            _LOG.warning("async inference %s: %s; trying again", asked.inference_id, error)
            return False
        finally:
            if room.is_empty:
                self._rooms.pop(asked.endpoint, None)

    def _most_at_once(self, endpoint: str) -> int:
        """MaxConcurrentInvocationsPerInstance, times the instances that are wanted now."""
        try:
            plan = self.endpoints.plan_of(endpoint)
        except ServiceError:
            return _MOST_AT_ONCE
        each = ((plan.asynchronous or {}).get("ClientConfig") or {}).get("MaxConcurrentInvocationsPerInstance")
        if each is None:
            return _MOST_AT_ONCE
        states = self.endpoints.look(endpoint)
        return int(each) * sum(max(1, states[one.name].wanted) for one in plan.variants if one.name in states)

    async def _answer(self, asked: AsyncRequest) -> bool:
        """Stored, the answer or the reason why there is none; False where it has to be asked again.

        Raises ServiceError, OSError when the store fails.
        """
        source = parse_s3_uri(asked.input_location, at="InputLocation")
        try:
            reply = await self._invoked(asked, source)
        except (Invalid, NotFound) as error:
            reply = Reply(400, "text/plain", "", str(error).encode())
        if reply is None:
            return False
        place = asked.output_location if reply.status == 200 else asked.failure_location
        target = parse_s3_uri(place, at="the output's place")
        attributes = ObjectAttributes(reply.content_type or "application/octet-stream")
        await in_thread(lambda: self.blobs.put(target.bucket, target.key, [reply.body], attributes=attributes))
        return True

    async def _invoked(self, asked: AsyncRequest, source: S3Uri) -> Reply | None:
        """None when nobody can take it now."""
        if self.clock.now().timestamp() - asked.accepted_at > asked.ttl_s:
            return Reply(408, "text/plain", "", f"it waited longer than its {asked.ttl_s} s".encode())
        body = await in_thread(lambda: self._read(source))
        meta = encode_meta(asked.content_type, asked.accept, asked.custom_attributes)
        answered = asyncio.get_running_loop().create_future()
        call = Call(meta, body, answered, time.monotonic(), asked.inference_id, float(asked.timeout_s))
        try:
            self.endpoints.submit(asked.endpoint, call, comes_again=True)
        except NotNow:
            return None
        except NotFound:
            await in_thread(lambda: self.endpoints.entities.get(EntityKind.ENDPOINT, asked.endpoint))
            return None  # it is there, and not in service: it may be soon
        reply = await call.answered
        return reply if reply.status != _FULL else None

    def _read(self, source: S3Uri) -> bytes:
        info = self.blobs.head(source.bucket, source.key)
        if info.size > _MOST_INPUT_BYTES:
            raise Invalid(f"the input has {info.size:,} bytes; at most {_MOST_INPUT_BYTES:,} are taken")
        _, content = self.blobs.read(source.bucket, source.key)
        return b"".join(content)


@dataclass
class Room:
    """How many of an endpoint's requests are at work; the others wait in their order."""

    inside: int = 0
    waiting: int = 0
    _left: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def is_empty(self) -> bool:
        return not self.inside and not self.waiting

    @asynccontextmanager
    async def place(self, most: Callable[[], int]) -> AsyncIterator[None]:
        """most: how many there may be, which may change meanwhile."""
        self.waiting += 1
        try:
            async with self._left:
                await self._left.wait_for(lambda: self.inside < max(1, most()))
                self.inside += 1
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            async with self._left:
                self.inside -= 1
                self._left.notify_all()


def _write(path: Path, values: dict[str, object]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.write_file(path, json.dumps(values).encode(), mode=0o600)
