"""The check that the data which a job reads is there, before the job is stored."""

from collections.abc import Iterator, Mapping
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.model_data import check_model_data
from naiad.service.contract.prefix_objects import has_objects
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid


def check_inputs(blobs: BlobStore, request: Mapping[str, Any]) -> None:
    """Raises Invalid, in AWS's words, for an input of a job below which there is no object.

    Does not read what a manifest lists.
    """
    for place, source in _sources(request):
        uri = parse_s3_uri(source["S3Uri"], at=place)
        if not has_objects(blobs, uri, is_prefix=source.get("S3DataType") != "ManifestFile"):
            raise Invalid(
                f"No S3 objects found under S3 URL {source['S3Uri']!r} given in input data source. Please ensure that the "
                f"bucket exists and that objects exist under that S3 prefix ({place})"
            )
    if "TransformInput" in request:
        check_model_data(blobs, request.get("Container", {}))


def _sources(request: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields (place in the request, S3DataSource) for each input."""
    for channel in request.get("InputDataConfig", ()):
        if "S3DataSource" in channel.get("DataSource", {}):
            yield f"InputDataConfig.{channel['ChannelName']}", channel["DataSource"]["S3DataSource"]
    for processing_input in request.get("ProcessingInputs", ()):
        if "S3Input" in processing_input:
            yield f"ProcessingInputs.{processing_input['InputName']}", processing_input["S3Input"]
    if "TransformInput" in request:
        yield "TransformInput", request["TransformInput"]["DataSource"]["S3DataSource"]
