"""Bodies of unknown senders share one budget."""

import asyncio

import pytest

from naiad.service.gateway.http.body_budget import BodyBudget, OpenForms, UnverifiedBodies
from naiad.service.gateway.rejection import RequestRejected


async def turns():
    """Lets what can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_body_waits_for_room_and_gets_it_in_its_turn():
    async def run():
        budget, order = BodyBudget(max_bytes=100), []

        async def take(name, size):
            await budget.take(size)
            order.append(name)

        await budget.take(80)
        large, small = asyncio.ensure_future(take("large", 90)), asyncio.ensure_future(take("small", 10))
        await turns()
        assert order == []  # the small one does not overtake
        budget.give_back(80)
        await turns()
        assert order == ["large", "small"]
        await asyncio.gather(large, small)

    asyncio.run(run())


def test_the_number_of_bodies_is_bounded_too():
    async def run():
        budget = BodyBudget(max_bodies=2, timeout_s=0)
        await budget.take(0)
        await budget.take(0)
        with pytest.raises(RequestRejected) as caught:
            await budget.take(0)
        assert caught.value.kind == "busy"
        budget.give_back(0)
        await budget.take(0)

    asyncio.run(run())


def test_a_body_that_gives_up_leaves_its_place_to_the_next():
    async def run():
        budget = BodyBudget(max_bytes=100)
        await budget.take(50)
        large, small = asyncio.ensure_future(budget.take(100)), asyncio.ensure_future(budget.take(10))
        await turns()
        assert not small.done()
        large.cancel()
        await turns()
        assert small.done()
        budget.give_back(50)
        budget.give_back(10)
        await budget.take(100)

    asyncio.run(run())


def test_a_turn_that_comes_as_its_request_is_given_up_is_not_lost():
    async def run():
        budget = BodyBudget(max_bytes=100)
        await budget.take(100)
        waiting = asyncio.ensure_future(budget.take(100))
        await turns()
        budget.give_back(100)  # the turn is set
        waiting.cancel()  # before the request has seen it
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(budget.take(100), 1)

    asyncio.run(run())


def test_too_many_that_wait_are_refused_at_once():
    async def run():
        budget = BodyBudget(max_bytes=1)
        await budget.take(1)
        waiting = [asyncio.ensure_future(budget.take(1)) for _ in range(128)]
        await turns()
        with pytest.raises(RequestRejected, match="try again"):
            await budget.take(1)
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)

    asyncio.run(run())


def test_long_bodies_do_not_hold_up_short_ones():
    """Twenty bodies of a known key and a wrong signature held up every call for half a minute."""

    async def run():
        bodies = UnverifiedBodies()
        long = bodies.budget_of(25 * 2**20)
        await long.take(25 * 2**20)
        waiting = [asyncio.ensure_future(long.take(25 * 2**20)) for _ in range(20)]
        await turns()
        short = bodies.budget_of(2)
        await asyncio.wait_for(short.take(2), 1)
        short.give_back(2)
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)

    asyncio.run(run())


def test_a_new_form_takes_the_place_of_the_oldest():
    """Forms come before their signature: half of one must not keep others waiting."""

    async def run():
        forms, endings = OpenForms(max_forms=2), []

        async def hold(name):
            try:
                async with forms.place(60):
                    await asyncio.get_running_loop().create_future()
            except TimeoutError:
                endings.append(name)

        holders = [asyncio.ensure_future(hold(name)) for name in ("first", "second")]
        await turns()
        async with forms.place(60):
            await turns()
            assert endings == ["first"]
        await turns()
        assert endings == ["first"]
        holders[1].cancel()
        await asyncio.wait(holders)

    asyncio.run(run())
