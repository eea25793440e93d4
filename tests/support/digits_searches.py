"""Short searches on scikit-learn's digits, one trial at a time and without a trace."""

from collections.abc import Mapping
from typing import Any

from naiad.trainer.tune import tune
from naiad.trainer.tuning.tuned import Tuned
from naiad.trainer.tuning.watcher import SilentWatcher

SPACE = {"lr": "log:1e-4:0.1", "activation": "relu,gelu"}


def search(data: Any, net: Any = "mlp", space: Mapping[str, Any] | None = SPACE, **options: Any) -> Tuned:
    chosen = {"trials": 5, "epochs": 4, "report": False, "watcher": SilentWatcher(), "parallel": 1, "memory": False}
    return tune(net, data, space, **{**chosen, **options})
