"""What the service refuses, in its own words. ``gateway/errors.py`` has the one table from these to AWS's codes."""

from naiad.errors import NaiadError


class ServiceError(NaiadError):
    pass


class NotFound(ServiceError):
    """A thing that was asked for is not there."""


class AlreadyExists(ServiceError):
    """A name is taken."""


class IllegalMove(ServiceError):
    """A job cannot go from its phase to the one asked for."""


class InUse(ServiceError):
    """It cannot go while it is at work."""


class Conflict(ServiceError):
    """Somebody else changed the record since it was read."""


class Invalid(ServiceError):
    """A request that cannot be meant: the message says which part, what was given and what is allowed."""


class DoesNotFit(ServiceError):
    """More cores, memory or GPUs than any machine here has, or more of something than is allowed."""


class Denied(ServiceError):
    """Not signed, wrongly signed, or not allowed for this key."""


class NotServed(ServiceError):
    """An operation of AWS's that this service does not have."""


class StorageFull(ServiceError):
    """No room is left on the disk; what was stored before stays."""


class Unavailable(ServiceError):
    """Something that the service stands on does not answer now; the same call may do so later."""
