"""The function behind ``Model.deploy``.

A model stands below the client that deploys it, so it may not import the client: ``naiad/__init__`` registers the function.
"""

from collections.abc import Callable
from typing import Any

DeployHook = Callable[..., Any]
"""Called as ``hook(model, name, **options)``; returns the handle of the endpoint."""

_hooks: list[DeployHook] = []


def register_deploy_hook(hook: DeployHook) -> None:
    """Replaces the function that ``run_deploy_hook`` calls."""
    _hooks[:] = [hook]


def run_deploy_hook(model: Any, name: str, **options: Any) -> Any:
    """Calls the registered function; ``import naiad`` has registered one."""
    return _hooks[0](model, name, **options)
