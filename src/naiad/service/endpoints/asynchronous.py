"""InvokeEndpointAsync: the input is an object, the answer another one, and a server that is killed in between goes on with it.

An accepted request is a file below <state>/endpoints/<endpoint>/async; it goes when its answer is stored.
"""

import asyncio
import json
import logging
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from naiad.service.blobs.port import Blobs
from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid, NotFound, ServiceError
from naiad.service.endpoints.calls import Call, NotNow, Reply
from naiad.service.endpoints.manager import EndpointManager
from naiad.service.endpoints.plan import Plan
from naiad.service.endpoints.threads import in_thread
from naiad.service.endpoints.worker.link import meta_of
from naiad.service.jobs.s3_uri import S3Uri, parse_s3_uri

_LOG = logging.getLogger(__name__)
_MOST_INPUT_BYTES = 64 * 2**20 - 2**16
"""AWS takes up to 1 GB; here an input goes to its replica in one frame."""
_MOST_AT_ONCE = 16
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
    accepted_at: float = 0.0
    """Seconds since 1970."""
    output_location: str = ""
    failure_location: str = ""


@dataclass
class AsyncInvocations:
    """For the loop's thread."""

    endpoints: EndpointManager
    blobs: Blobs
    clock: Clock
    state_folder: Path
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_AT_ONCE))
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
        async with self._room:
            while True:
                try:
                    await self._answer(asked)
                except (ServiceError, OSError) as error:
                    _LOG.warning("async inference %s: %s; trying again", asked.inference_id, error)
                    await asyncio.sleep(_AGAIN_AFTER_S)
                else:
                    break
        await in_thread(lambda: path.unlink(missing_ok=True))

    async def _answer(self, asked: AsyncRequest) -> None:
        """Stored, the answer or the reason why there is none. Raises ServiceError, OSError when the store fails."""
        source = parse_s3_uri(asked.input_location, at="InputLocation")
        try:
            body = await in_thread(lambda: self._read(source))
            reply = await self._invoked(asked, body)
        except (Invalid, NotFound) as error:
            reply = Reply(400, "text/plain", "", str(error).encode())
        place = asked.output_location if reply.status == 200 else asked.failure_location
        target = parse_s3_uri(place, at="the output's place")
        content_type = reply.content_type or "application/octet-stream"
        await in_thread(lambda: self.blobs.put(target.bucket, target.key, [reply.body], content_type=content_type))

    async def _invoked(self, asked: AsyncRequest, body: bytes) -> Reply:
        loop = asyncio.get_running_loop()
        meta = meta_of(asked.content_type, asked.accept, asked.custom_attributes)
        while self.clock.now().timestamp() - asked.accepted_at <= asked.ttl_s:
            call = Call(meta, body, loop.create_future(), time.monotonic())
            try:
                self.endpoints.submit(asked.endpoint, call, comes_again=True)
            except NotNow as error:
                await asyncio.sleep(error.retry_after_s)
                continue
            except NotFound:
                await in_thread(lambda: self.endpoints.entities.get(EntityKind.ENDPOINT, asked.endpoint))
                await asyncio.sleep(_AGAIN_AFTER_S)  # it is there, and not in service: it may be soon
                continue
            reply = await call.answered
            if reply.status != 503:
                return reply
        return Reply(408, "text/plain", "", f"it waited longer than its {asked.ttl_s} s".encode())

    def _read(self, source: S3Uri) -> bytes:
        info = self.blobs.head(source.bucket, source.key)
        if info.size > _MOST_INPUT_BYTES:
            raise Invalid(f"the input has {info.size:,} bytes; at most {_MOST_INPUT_BYTES:,} are taken")
        _, content = self.blobs.read(source.bucket, source.key)
        return b"".join(content)


def _write(path: Path, values: dict[str, object]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
