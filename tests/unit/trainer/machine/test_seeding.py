"""One seed: equal numbers inside, the caller's untouched outside."""

import json
import random

import numpy as np
import torch

from naiad.trainer.machine.seeding import RandomState, derived_seed, generator, seed_all, seeded


def draws():
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002  # reason: what a user's network draws from


def test_equal_seeds_draw_alike_and_others_do_not():
    with seeded(7):
        one = draws()
    with seeded(7):
        other = draws()
    with seeded(8):
        third = draws()
    assert one == other
    assert not set(one) & set(third)


def test_the_callers_generators_go_on_as_if_nothing_had_been():
    before = RandomState.capture()
    expected = draws()
    before.restore()
    with seeded(3):
        draws()
    assert draws() == expected


def test_a_seed_for_a_place_is_always_the_same():
    assert derived_seed(0, 1, 2) == derived_seed(0, 1, 2)
    assert len({derived_seed(seed, *where) for seed in range(3) for where in ((0,), (1,), (0, 0), (0, 1))}) == 12
    assert torch.equal(torch.rand(3, generator=generator(1, 5)), torch.rand(3, generator=generator(1, 5)))


def test_a_state_goes_through_json_and_tensors():
    random.gauss(0, 1)
    state = RandomState.capture()
    back = RandomState.from_parts(state.tensors(), json.loads(json.dumps(state.to_json())))
    expected = draws()
    back.restore()
    assert draws() == expected


def test_an_apple_gpus_state_is_captured_restored_and_kept(monkeypatch):
    """The generator of MPS is a stand-in: no such device is here."""
    held = {"state": torch.tensor([1, 2], dtype=torch.uint8)}
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: held["state"])
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: held.update(state=state))
    state = RandomState.capture()
    held["state"] = torch.zeros(2, dtype=torch.uint8)
    RandomState.from_parts(state.tensors(), json.loads(json.dumps(state.to_json()))).restore()
    assert held["state"].tolist() == [1, 2]


def test_a_derived_seed_seeds_everything():
    with seeded(0):
        seed_all(derived_seed(1, 2))
        one = draws()
        seed_all(derived_seed(1, 2))
        assert draws() == one
        seed_all(derived_seed(1, 3))
        assert not set(draws()) & set(one)
