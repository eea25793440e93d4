"""A model is deployed by the function that the package registers, and the library does not name the client."""

from collections.abc import Iterator
from typing import Any

import pytest

import naiad
from naiad import deploy_hook


@pytest.fixture
def calls() -> Iterator[list[Any]]:
    """Registers a hook that keeps what it is called with."""
    before, kept = list(deploy_hook._hooks), []

    def hook(model: Any, name: str, **options: Any) -> str:
        kept.append((model, name, options))
        return "a handle"

    deploy_hook.register_deploy_hook(hook)
    yield kept
    deploy_hook.register_deploy_hook(before[0])


def test_the_registered_function_is_called(calls: list[Any]) -> None:
    assert deploy_hook.run_deploy_hook("model", "shoes", replicas=2) == "a handle"
    assert calls == [("model", "shoes", {"replicas": 2})]


def test_a_model_goes_through_it(calls: list[Any]) -> None:
    model = naiad.Model.__new__(naiad.Model)
    assert model.deploy("shoes", min_replicas=0) == "a handle"
    assert calls == [(model, "shoes", {"min_replicas": 0})]


def test_the_package_registers_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        def deploy(self, model: Any, name: str, **options: Any) -> Any:
            return (model, name, options)

    monkeypatch.setattr(naiad, "connect", Connection)
    assert deploy_hook.run_deploy_hook("model", "shoes", wait=False) == ("model", "shoes", {"wait": False})
