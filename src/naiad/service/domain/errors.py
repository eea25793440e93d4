"""The errors of the service, below the root that ``naiad/errors.py`` draws.

    ServiceError
    ├── NotFound       there is nothing with the name that the request gives
    │   └── ResourceNotFound  the same, where AWS has that code and no ValidationException
    ├── AlreadyExists  the name is taken
    ├── IllegalMove    a job cannot go from its phase to the requested one
    ├── InUse          the thing is in use and cannot be deleted
    ├── Conflict       the record was changed by somebody else after it was read
    ├── Invalid        the request is not valid. The message says which part, what was given and what is allowed
    ├── LimitExceeded  the request needs more cores, memory or GPUs than the machine has, or more of something than is allowed
    ├── AccessDenied   the request is not signed, is signed wrongly, or is not allowed for this key
    ├── NotServed      the operation exists at AWS and not in this service
    ├── StorageFull    no room is left on the disk. What was stored before is kept
    └── Unavailable    something that the service depends on does not answer now. The same call may succeed later

``gateway/errors.py`` has the one table from them to AWS's error codes.
"""

from naiad.errors import ServiceError as ServiceError  # noqa: PLC0414  # reason: re-exported as the root of this tree


class NotFound(ServiceError):
    pass


class ResourceNotFound(NotFound):
    pass


class AlreadyExists(ServiceError):
    pass


class IllegalMove(ServiceError):
    pass


class InUse(ServiceError):
    pass


class Conflict(ServiceError):
    pass


class Invalid(ServiceError):
    pass


class LimitExceeded(ServiceError):
    pass


class AccessDenied(ServiceError):
    pass


class NotServed(ServiceError):
    pass


class StorageFull(ServiceError):
    pass


class Unavailable(ServiceError):
    pass
