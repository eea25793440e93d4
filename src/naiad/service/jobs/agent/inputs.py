"""Fetches what a program finds when it starts: channels, models and checkpoints, and folders for its outputs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.channels import ChannelFetcher
from naiad.service.contract.model_data import fetch_model
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.config_files import channel_hosts, channels_of
from naiad.service.jobs.agent.folder_sync import FolderSync
from naiad.service.jobs.agent.outputs import processing_outputs

_ML = "/opt/ml/"


@dataclass(frozen=True)
class Inputs:
    """The inputs of one instance."""

    spec: InstanceSpec
    blobs: BlobStore
    ml: Path
    log_message: Callable[[str], None]

    def fetch(self) -> list[FolderSync]:
        """Returns the folders that are stored while the program runs; storing has begun. Raises ServiceError."""
        spec = self.spec
        fetcher = ChannelFetcher(self.blobs, spec.cache_folder, index=spec.instance.index, instances=len(spec.hosts))
        if spec.instance.kind is JobKind.PROCESSING:
            self._fetch_processing_inputs(fetcher)
            return self._start_continuous_outputs()
        if spec.instance.kind is JobKind.TRANSFORM:
            self._fetch_transform_inputs(fetcher)
            return []
        for channel in channels_of(spec):
            name, hosts = channel["ChannelName"], channel_hosts(spec, channel)
            source = channel["DataSource"]["S3DataSource"]
            own = ChannelFetcher(
                self.blobs, spec.cache_folder, index=hosts.index(spec.instance.host), instances=len(hosts)
            )
            own.fetch_channel(source, self.ml / "input" / "data" / name, name=name)
        return self._restore_checkpoints(fetcher)

    def _fetch_processing_inputs(self, fetcher: ChannelFetcher) -> None:
        for processing_input in self.spec.request.get("ProcessingInputs", ()):
            source = processing_input.get("S3Input", {})
            if source.get("LocalPath", "").startswith(_ML):
                target = self.ml / source["LocalPath"].removeprefix(_ML)
                fetcher.fetch_channel(source, target, name=processing_input["InputName"])
        for output in processing_outputs(self.spec):
            (self.ml / output.folder).mkdir(parents=True, exist_ok=True)

    def _fetch_transform_inputs(self, fetcher: ChannelFetcher) -> None:
        """Fetches the model and the files to transform, which the instances divide among themselves."""
        fetch_model(self.blobs, self.spec.request["Container"], self.ml / "model")
        source = self.spec.request["TransformInput"]["DataSource"]["S3DataSource"]
        sharded = {**source, "S3DataDistributionType": "ShardedByS3Key"}
        fetcher.fetch_channel(sharded, self.ml / "transform" / "input", name="TransformInput")

    def _restore_checkpoints(self, fetcher: ChannelFetcher) -> list[FolderSync]:
        config = self.spec.request.get("CheckpointConfig")
        if not config:
            return []
        folder = config.get("LocalPath", "/opt/ml/checkpoints").rstrip("/").removeprefix(_ML)
        return [self._start_sync(config["S3Uri"], folder, at="CheckpointConfig", fetcher=fetcher)]

    def _start_continuous_outputs(self) -> list[FolderSync]:
        outputs = [output for output in processing_outputs(self.spec) if output.is_continuous]
        return [self._start_sync(output.uri, output.folder, at=f"output {output.name}") for output in outputs]

    def _start_sync(self, uri: str, folder: str, *, at: str, fetcher: ChannelFetcher | None = None) -> FolderSync:
        """Starts to store a folder. With a fetcher, restores first what is stored already."""
        (self.ml / folder).mkdir(parents=True, exist_ok=True)
        sync = FolderSync(self.blobs, parse_s3_uri(uri, at=at), self.ml, folder)
        if fetcher is not None and (count := sync.restore(fetcher)):
            self.log_message(f"{count} checkpoint files were restored")
        sync.start()
        return sync
