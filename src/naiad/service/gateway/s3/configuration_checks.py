"""Checks of bucket configurations: what is kept and said back, and what is refused because the server would not do it."""

from naiad.service.domain.errors import NotServed
from naiad.service.gateway.s3.encryption import ALGORITHMS
from naiad.service.gateway.s3.errors import malformed_xml
from naiad.service.gateway.s3.tagging import MAX_BUCKET_TAGS, parse_tag_set
from naiad.service.gateway.s3.xml import Node, element

OWNERSHIPS = ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def check_encryption(root: Node) -> None:
    """Raises S3Error. The algorithm is kept with each object that is put without one, and nothing is encrypted by it."""
    rules = root.all("Rule")
    defaults = [one for rule in rules for one in rule.all("ApplyServerSideEncryptionByDefault")]
    if len(rules) != 1 or len(defaults) != 1 or (defaults[0].value("SSEAlgorithm") or "").strip() not in ALGORITHMS:
        raise malformed_xml(f"give one Rule, whose SSEAlgorithm is one of {', '.join(ALGORITHMS)}")


def check_ownership(root: Node) -> None:
    """Raises S3Error. All of them mean the same here, since everything has one owner."""
    rules = root.all("Rule")
    if len(rules) != 1 or rules[0].value("ObjectOwnership") not in OWNERSHIPS:
        raise malformed_xml(f"give one Rule, whose ObjectOwnership is one of {', '.join(OWNERSHIPS)}")


def check_public_access_block(root: Node) -> None:
    """Raises S3Error. Nothing is public here, whatever it says."""
    for child in root.children:
        if child.name not in _BLOCKS or child.text.strip().lower() not in ("true", "false"):
            raise malformed_xml(f"{child.name[:40]} {child.text[:20]!r}: give {', '.join(_BLOCKS)} as true or false")


def check_bucket_tags(root: Node) -> None:
    """Raises S3Error."""
    parse_tag_set(root, max_tags=MAX_BUCKET_TAGS)


def check_versioning(root: Node) -> None:
    """Raises NotServed."""
    if root.value("Status") != "Suspended" or root.value("MfaDelete") not in (None, "Disabled"):
        raise NotServed("objects have no versions here: give the status Suspended, or leave the call out")


def check_accelerate(root: Node) -> None:
    """Raises NotServed."""
    if root.value("Status") != "Suspended":
        raise NotServed("there is no transfer acceleration: give the status Suspended, or leave the call out")


def check_request_payment(root: Node) -> None:
    """Raises NotServed."""
    if root.value("Payer") != "BucketOwner":
        raise NotServed("requests cost nothing here: give the payer BucketOwner, or leave the call out")


def check_no_logging(root: Node) -> None:
    """Raises NotServed."""
    if root.all("LoggingEnabled"):
        raise NotServed(
            "no access logs are written into buckets: give an empty BucketLoggingStatus, or leave the call out"
        )


def check_no_notification(root: Node) -> None:
    """Raises NotServed."""
    if root.children:
        raise NotServed("there is nobody to notify: give an empty NotificationConfiguration, or leave the call out")


def ownership_document(ownership: str) -> Node:
    """Raises S3Error. ``ownership``: the header x-amz-object-ownership of CreateBucket."""
    root = element("OwnershipControls", element("Rule", element("ObjectOwnership", ownership)))
    check_ownership(root)
    return root
