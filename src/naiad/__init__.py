"""Naiad builds, trains, tests and keeps deep-learning models on the machines you already have.

Importing this package loads no torch: a name is imported from its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from naiad.deploy_hook import register_deploy_hook
from naiad.errors import NaiadError
from naiad.extras import explain_missing_packages

if TYPE_CHECKING:
    from naiad.client.connection import connect
    from naiad.trainer.data.inspection import inspect
    from naiad.trainer.estimators import NaiadClassifier, NaiadRegressor
    from naiad.trainer.fit import fit
    from naiad.trainer.load import load
    from naiad.trainer.model.evaluate import Evaluation
    from naiad.trainer.model.model import Model, Predictions
    from naiad.trainer.nets.guide import Net, SimpleNet
    from naiad.trainer.plan.plan import Plan
    from naiad.trainer.tune import tune
    from naiad.trainer.tuning.tuned import Tuned

__version__ = "0.1.0"

_MODULES = {
    "connect": "naiad.client.connection",
    "fit": "naiad.trainer.fit",
    "load": "naiad.trainer.load",
    "inspect": "naiad.trainer.data.inspection",
    "Evaluation": "naiad.trainer.model.evaluate",
    "Model": "naiad.trainer.model.model",
    "Net": "naiad.trainer.nets.guide",
    "NaiadClassifier": "naiad.trainer.estimators",
    "NaiadRegressor": "naiad.trainer.estimators",
    "Plan": "naiad.trainer.plan.plan",
    "Predictions": "naiad.trainer.model.model",
    "SimpleNet": "naiad.trainer.nets.guide",
    "Tuned": "naiad.trainer.tuning.tuned",
    "tune": "naiad.trainer.tune",
}

__all__ = [
    "Evaluation",
    "Model",
    "NaiadClassifier",
    "NaiadError",
    "NaiadRegressor",
    "Net",
    "Plan",
    "Predictions",
    "SimpleNet",
    "Tuned",
    "__version__",
    "connect",
    "fit",
    "inspect",
    "load",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'naiad' has no attribute {name!r}")
    with explain_missing_packages():
        value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _deploy(model: "Model", name: str, **options: Any) -> Any:
    """Deploys ``model`` on the server that ``connect`` finds; loads the client when it is called."""
    return import_module("naiad").connect().deploy(model, name, **options)


register_deploy_hook(_deploy)
