"""The table of API operations: which function answers which operation of which service.

A handler takes the services that it works with, perhaps the ``principal`` who signed, and last the request: the parsed input in
the shape of AWS's model, validated against it. It returns the output in that shape. It runs in a thread, and raises the
domain's errors::

    @operation("sagemaker", "DescribeModel")
    def describe_model(catalog: ModelCatalog, request: Shape) -> Shape: ...
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from naiad.service.blobs.port import BlobStore
from naiad.service.domain.clock import Clock
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.store.port import Store

if TYPE_CHECKING:
    from naiad.service.endpoints.control.catalog import ModelCatalog
    from naiad.service.endpoints.control.service import EndpointService
    from naiad.service.experiments.catalog import ExperimentCatalog
    from naiad.service.jobs.service import JobService
    from naiad.service.tuning.service import TuningService

Shape = dict[str, Any]
"""A value of a structure in AWS's model, by the names of its members: datetimes for timestamps, bytes for blobs."""
Handler = Callable[..., Shape]


@dataclass(frozen=True)
class Services:
    """Everything that handlers work with: a handler names a field as its parameter to get it."""

    jobs: "JobService"
    catalog: "ModelCatalog"
    endpoints: "EndpointService"
    store: Store
    blobs: BlobStore
    clock: Clock
    region: str
    experiments: "ExperimentCatalog"
    tunings: "TuningService"


class Operation:
    def __init__(self, handler: Handler, not_served: str = "") -> None:
        """Raises TypeError for a handler with a parameter that is no field of Services."""
        self.not_served = not_served
        *self._names, last = inspect.signature(handler).parameters
        unknown = set(self._names) - {"principal", *(field.name for field in fields(Services))}
        if unknown or last != "request":
            raise TypeError(f"{handler.__name__} takes services and last the request, not {sorted(unknown) or last}")
        self._handler = handler

    def __call__(self, services: Services, principal: Principal, request: Shape) -> Shape:
        values = (principal if name == "principal" else getattr(services, name) for name in self._names)
        return self._handler(*values, request)


_OPERATIONS: dict[tuple[str, str], Operation] = {}
OPERATIONS: Mapping[tuple[str, str], Operation] = _OPERATIONS
"""Keys: botocore's name of the service and AWS's of the operation: ("sagemaker", "CreateTrainingJob")."""


def operation(service: str, name: str, *, not_served: str = "") -> Callable[[Handler], Handler]:
    """Registers a handler. Importing ``gateway.operations`` imports all of them. Raises ValueError for a second handler.

    ``not_served``: what of the operation is refused or has no effect here, for the page of operations.
    """

    def register(handler: Handler) -> Handler:
        if (service, name) in _OPERATIONS:
            raise ValueError(f"{service}:{name} has a handler already")
        _OPERATIONS[service, name] = Operation(handler, not_served)
        return handler

    return register
