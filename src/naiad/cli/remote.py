"""What the commands that talk to a server share: clients, and AWS's errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from naiad.errors import InputError, NaiadError


def client(service: str) -> Any:
    """A boto3 client of the server that ``naiad.connect`` would choose."""
    from naiad.client.connection import connect

    return connect().client(service)


@contextmanager
def aws_errors() -> Iterator[None]:
    """What the server refuses is the user's to mend; a server that is not there is told as such."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise InputError(error.response["Error"].get("Message") or str(error)) from error
    except BotoCoreError as error:
        raise NaiadError(f"the server does not answer: {error}", hint="start one: naiad serve") from error
