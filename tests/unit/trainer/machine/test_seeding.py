"""A seed gives equal numbers inside its block and leaves the caller's generators alone."""

import json
import random

import numpy as np
import torch

from naiad.trainer.machine.seeding import RandomState, derive_seed, fork_rng, make_generator, seed_all


def draws():
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002  # reason: a user's network draws from these


def test_equal_seeds_draw_equal_numbers():
    with fork_rng(7):
        one = draws()
    with fork_rng(7):
        other = draws()
    with fork_rng(8):
        third = draws()
    assert one == other
    assert not set(one) & set(third)


def test_the_callers_generators_are_restored():
    before = RandomState.capture()
    expected = draws()
    before.restore()
    with fork_rng(3):
        draws()
    assert draws() == expected


def test_equal_purposes_derive_equal_seeds():
    assert derive_seed(0, 1, 2) == derive_seed(0, 1, 2)
    assert len({derive_seed(seed, *purpose) for seed in range(3) for purpose in ((0,), (1,), (0, 0), (0, 1))}) == 12
    assert torch.equal(torch.rand(3, generator=make_generator(1, 5)), torch.rand(3, generator=make_generator(1, 5)))


def test_a_state_survives_json_and_tensors():
    random.gauss(0, 1)
    state = RandomState.capture()
    back = RandomState.from_parts(state.tensors(), json.loads(json.dumps(state.to_json())))
    expected = draws()
    back.restore()
    assert draws() == expected


def test_the_state_of_an_apple_gpu_is_captured_and_restored(monkeypatch):
    """Replaces the generator of MPS: this machine has no such device."""
    generator = {"state": torch.tensor([1, 2], dtype=torch.uint8)}
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: generator["state"])
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: generator.update(state=state))
    state = RandomState.capture()
    generator["state"] = torch.zeros(2, dtype=torch.uint8)
    RandomState.from_parts(state.tensors(), json.loads(json.dumps(state.to_json()))).restore()
    assert generator["state"].tolist() == [1, 2]


def test_a_derived_seed_seeds_every_generator():
    with fork_rng(0):
        seed_all(derive_seed(1, 2))
        one = draws()
        seed_all(derive_seed(1, 2))
        assert draws() == one
        seed_all(derive_seed(1, 3))
        assert not set(draws()) & set(one)
