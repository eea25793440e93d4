"""The table of operations: which function answers which operation of which service.

A handler takes the services and the parsed input in the API's shape (validated against AWS's model) and gives the output in that
shape: plain dicts, datetimes for timestamps. It runs in a thread and raises the domain's errors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from naiad.service.blobs.port import BlobStore
from naiad.service.domain.clock import Clock
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.store.port import Store

if TYPE_CHECKING:
    from naiad.service.endpoints.control.catalog import Catalog
    from naiad.service.endpoints.control.service import EndpointService
    from naiad.service.jobs.service import JobService


@dataclass(frozen=True)
class Context:
    """What handlers work with."""

    jobs: "JobService"
    catalog: "Catalog"
    endpoints: "EndpointService"
    store: Store
    blobs: BlobStore
    clock: Clock
    region: str
    principal: Principal


Handler = Callable[[Context, dict[str, Any]], dict[str, Any]]

OPERATIONS: dict[tuple[str, str], Handler] = {}
"""By botocore's service name and the operation's: ("sagemaker", "CreateTrainingJob")."""


def operation(service: str, name: str) -> Callable[[Handler], Handler]:
    """Registers a handler. Importing ``gateway.operations`` imports all of them."""

    def register(handler: Handler) -> Handler:
        assert (service, name) not in OPERATIONS
        OPERATIONS[service, name] = handler
        return handler

    return register
