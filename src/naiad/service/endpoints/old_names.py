"""Names in state that earlier versions have written, and today's names for them."""

from collections.abc import Mapping
from typing import Any

ENDPOINT_DETAIL = {
    "plan": "rollout",
    "next": "pending_rollout",
    "number": "deployment_number",
    "resized": "resized_variants",
}
ROLLOUT = {"number": "deployment_number", "shadows": "shadow_variants", "asynchronous": "async_inference_config"}
ROLLOUT_VARIANT = {
    "model": "model_name",
    "instances": "desired_instance_count",
    "least": "min_instance_count",
    "most": "max_instance_count",
    "idle_s": "idle_timeout_s",
    "serverless": "serverless_config",
    "scaling": "managed_instance_scaling",
}
PREPARED_MODEL = {
    "most_samples": "max_batch_size",
    "has_packages": "has_requirements",
    "port": "replica_port",
    "workers": "replicas_per_instance",
    "table_uri": "engine_table_uri",
}
ENGINE_TABLE = {"most_samples": "max_batch_size"}


def with_current_names(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Returns the values by today's names. names: today's name by the older one."""
    return {names.get(name, name): value for name, value in values.items()}
