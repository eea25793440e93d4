import asyncio
from collections.abc import Sequence

from naiad.service.endpoints.worker.batcher import Batcher
from naiad.service.endpoints.worker.port import Answer, Invocation


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
