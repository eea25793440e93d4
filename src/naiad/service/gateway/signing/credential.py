"""The credential of a version 4 signature: who claims to have signed, for which service; read before anything is verified."""

from collections.abc import Mapping
from functools import lru_cache

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected

ALGORITHM = "AWS4-HMAC-SHA256"


@lru_cache(maxsize=64)
def authorization_fields(authorization: str) -> Mapping[str, str]:
    """Returns Credential, SignedHeaders and Signature of the header. Cached: one request needs them several times."""
    pairs = (field.strip().partition("=") for field in authorization.removeprefix(ALGORITHM).split(","))
    return {name: value for name, _, value in pairs}


def parse_credential(text: str) -> tuple[str, str]:
    """Returns (access key, credential scope). Raises RequestRejected."""
    parts = text.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise RequestRejected("signature", "the credential is not ACCESS_KEY/DAY/REGION/SERVICE/aws4_request")
    return parts[0], "/".join(parts[1:])


def service_of_scope(scope: str) -> str:
    return scope.split("/")[2]


def claimed_service(request: Request) -> str:
    """Returns the service of the credential scope, unverified; "s3" for a version 2 URL, "" for an unsigned request."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith(ALGORITHM):
        return _service_of_header(authorization)
    if "X-Amz-Credential" in request.query_params:
        return _service_of_credential(request.query_params["X-Amz-Credential"])
    return "s3" if "AWSAccessKeyId" in request.query_params else ""


def claimed_access_key(request: Request) -> str:
    """Returns the access key that claims to have signed, unverified; "" for an unsigned request."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith(ALGORITHM):
        return authorization_fields(authorization).get("Credential", "").partition("/")[0]
    params = request.query_params
    return params.get("X-Amz-Credential", params.get("AWSAccessKeyId", "")).partition("/")[0]


def signed_service(request: Request) -> str:
    """Returns the claimed service. Raises RequestRejected for an unsigned request."""
    service = claimed_service(request)
    if not service:
        raise RequestRejected("unsigned", "the request is not signed")
    return service


@lru_cache(maxsize=64)
def _service_of_header(authorization: str) -> str:
    return _service_of_credential(authorization_fields(authorization).get("Credential", ""))


def _service_of_credential(text: str) -> str:
    parts = text.split("/")
    return parts[-2] if len(parts) >= 5 else ""
