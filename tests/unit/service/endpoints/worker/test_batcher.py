import asyncio
from collections.abc import Sequence

from naiad.service.endpoints.worker.batcher import Batcher
from naiad.service.endpoints.worker.inference import Answer, Invocation


class Upper:
    """Notes how it was asked."""

    most_samples = 4

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def answer(self, invocations: Sequence[Invocation]) -> list[Answer]:
        self.sizes.append(len(invocations))
        if any(one.body == b"fail" for one in invocations):
            raise RuntimeError("the layer has no weights")
        return [Answer(200, one.body.upper()) for one in invocations]


def answers(bodies: list[bytes]) -> tuple[list[Answer], list[int], int]:
    async def run() -> tuple[list[Answer], list[int], int]:
        handler, found, flushes = Upper(), [], []
        batcher = Batcher(handler, asyncio.get_running_loop(), after_batch=lambda: flushes.append(1))
        for body in bodies:
            batcher.add(Invocation(body), found.append)
        assert not found  # nothing is answered before the loop has had its turn
        while len(found) < len(bodies):
            await asyncio.sleep(0)
        return found, handler.sizes, len(flushes)

    return asyncio.run(run())


def test_what_is_there_is_one_batch_and_the_rest_the_next():
    found, sizes, flushes = answers([b"a", b"b", b"c", b"d", b"e", b"f"])
    assert [answer.body for answer in found] == [b"A", b"B", b"C", b"D", b"E", b"F"]
    assert sizes == [4, 2]
    assert flushes == 2


def test_one_alone_waits_for_nobody():
    assert answers([b"a"])[1] == [1]


def test_a_model_that_raises_answers_424_and_goes_on():
    found, sizes, _ = answers([b"a", b"fail", b"c", b"d", b"e"])
    assert [answer.status for answer in found] == [424] * 4 + [200]
    assert found[0].body == b"RuntimeError: the layer has no weights"
    assert sizes == [4, 1]


def test_an_answer_that_cannot_be_sent_holds_up_no_other():
    async def run() -> tuple[list[Answer], int]:
        found: list[Answer] = []
        flushes: list[int] = []
        batcher = Batcher(Upper(), asyncio.get_running_loop(), after_batch=lambda: flushes.append(1))

        def reply(answer: Answer) -> None:
            if answer.body == b"B":
                raise ValueError("too large")
            found.append(answer)

        for body in (b"a", b"b", b"c"):
            batcher.add(Invocation(body), reply)
        while not flushes:
            await asyncio.sleep(0)
        return found, len(flushes)

    found, flushes = asyncio.run(run())
    assert [answer.body for answer in found] == [b"A", b"the answer cannot be sent: ValueError: too large", b"C"]
    assert flushes == 1


def test_while_one_is_streamed_the_model_is_asked_nothing_else():
    async def run() -> tuple[list[int], list[int]]:
        loop, handler = asyncio.get_running_loop(), Upper()
        batcher = Batcher(handler, loop, after_batch=lambda: None)
        sent = loop.create_future()
        batcher.add(Invocation(b"stream"), lambda _: sent)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        batcher.add(Invocation(b"next"), lambda _: None)
        for _ in range(5):
            await asyncio.sleep(0)
        before = list(handler.sizes)
        sent.set_result(None)
        for _ in range(5):
            await asyncio.sleep(0)
        return before, handler.sizes

    assert asyncio.run(run()) == ([1], [1, 1])
