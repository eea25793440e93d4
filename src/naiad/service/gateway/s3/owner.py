"""The owner of every bucket and object: the one account."""

from naiad.service.domain.job import ACCOUNT_ID
from naiad.service.gateway.s3.xml import Node, element


def owner_element() -> Node:
    return element("Owner", element("ID", ACCOUNT_ID), element("DisplayName", "naiad"))
