"""Reads the errors of boto3's clients."""

from botocore.exceptions import ClientError


def message_of(error: ClientError) -> str:
    """Returns the server's message, or the whole error where it gave none."""
    return str(error.response["Error"].get("Message") or error)


def code_of(error: ClientError) -> str:
    """Returns AWS's code, such as ``ResourceNotFound``."""
    return str(error.response["Error"]["Code"])
