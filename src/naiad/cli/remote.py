"""Clients of a server for the commands, and AWS's errors as Naiad's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from naiad.errors import InputError, NaiadError


def make_client(service: str) -> Any:
    """Returns a boto3 client of the server that ``naiad.connect`` finds."""
    from naiad.client.connection import connect

    return connect().client(service)


@contextmanager
def translate_aws_errors() -> Iterator[None]:
    """Raises InputError for a request that the server refuses, NaiadError when no server answers."""
    from botocore.exceptions import BotoCoreError, ClientError

    from naiad.client.aws_errors import message_of

    try:
        yield
    except ClientError as error:
        raise InputError(message_of(error)) from error
    except BotoCoreError as error:
        raise NaiadError(f"the server does not answer: {error}", hint="start one: naiad serve") from error
