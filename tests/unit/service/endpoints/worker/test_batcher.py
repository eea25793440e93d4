import asyncio
from collections.abc import Sequence

from naiad.service.endpoints.worker.batcher import Batcher
from naiad.service.endpoints.worker.inference import InferenceRequest, InferenceResponse


class Upper:
    """Handler that records its batch sizes."""

    max_batch_size = 4

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def handle(self, requests: Sequence[InferenceRequest]) -> list[InferenceResponse]:
        self.sizes.append(len(requests))
        if any(one.body == b"fail" for one in requests):
            raise RuntimeError("the layer has no weights")
        return [InferenceResponse(200, one.body.upper()) for one in requests]


def run(bodies: list[bytes]) -> tuple[list[InferenceResponse], list[int], int]:
    async def submit() -> tuple[list[InferenceResponse], list[int], int]:
        handler, responses, flushes = Upper(), [], []
        batcher = Batcher(handler, asyncio.get_running_loop(), after_batch=lambda: flushes.append(1))
        for body in bodies:
            batcher.submit(InferenceRequest(body), responses.append)
        assert not responses  # the batch runs when the loop has had its turn
        while len(responses) < len(bodies):
            await asyncio.sleep(0)
        return responses, handler.sizes, len(flushes)

    return asyncio.run(submit())


def test_waiting_requests_are_one_batch_and_the_rest_the_next():
    responses, sizes, flushes = run([b"a", b"b", b"c", b"d", b"e", b"f"])
    assert [one.body for one in responses] == [b"A", b"B", b"C", b"D", b"E", b"F"]
    assert sizes == [4, 2]
    assert flushes == 2


def test_a_single_request_does_not_wait():
    assert run([b"a"])[1] == [1]


def test_an_exception_of_the_model_is_424_and_the_next_batch_runs():
    responses, sizes, _ = run([b"a", b"fail", b"c", b"d", b"e"])
    assert [one.status for one in responses] == [424] * 4 + [200]
    assert responses[0].body == b"RuntimeError: the layer has no weights"
    assert sizes == [4, 1]


def test_a_response_that_cannot_be_sent_does_not_stop_the_others():
    async def run() -> tuple[list[InferenceResponse], int]:
        responses: list[InferenceResponse] = []
        flushes: list[int] = []
        batcher = Batcher(Upper(), asyncio.get_running_loop(), after_batch=lambda: flushes.append(1))

        def send(response: InferenceResponse) -> None:
            if response.body == b"B":
                raise ValueError("too large")
            responses.append(response)

        for body in (b"a", b"b", b"c"):
            batcher.submit(InferenceRequest(body), send)
        while not flushes:
            await asyncio.sleep(0)
        return responses, len(flushes)

    responses, flushes = asyncio.run(run())
    assert [one.body for one in responses] == [b"A", b"the response cannot be sent: ValueError: too large", b"C"]
    assert flushes == 1


def test_the_model_gets_no_request_while_a_response_is_streamed():
    async def run() -> tuple[list[int], list[int]]:
        loop, handler = asyncio.get_running_loop(), Upper()
        batcher = Batcher(handler, loop, after_batch=lambda: None)
        sent = loop.create_future()
        batcher.submit(InferenceRequest(b"stream"), lambda _: sent)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        batcher.submit(InferenceRequest(b"next"), lambda _: None)
        for _ in range(5):
            await asyncio.sleep(0)
        before = list(handler.sizes)
        sent.set_result(None)
        for _ in range(5):
            await asyncio.sleep(0)
        return before, handler.sizes

    assert asyncio.run(run()) == ([1], [1, 1])
