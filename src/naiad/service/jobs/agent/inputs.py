"""What an instance is given before its program begins: channels, models, checkpoints, and places for its outputs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from naiad.service.blobs.port import Blobs
from naiad.service.contract.channels import Fetcher
from naiad.service.contract.model_data import fetch_model
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.output import outputs_of
from naiad.service.jobs.agent.sync import FolderSync

_ML = "/opt/ml/"


@dataclass(frozen=True)
class Inputs:
    spec: InstanceSpec
    blobs: Blobs
    ml: Path
    say: Callable[[str], None]
    """Into the log."""

    def fetch(self) -> list[FolderSync]:
        """Returns what is stored while the program runs; that has begun. Raises ServiceError."""
        spec = self.spec
        fetcher = Fetcher(self.blobs, spec.cache_folder, index=spec.instance.index, instances=len(spec.hosts))
        if spec.instance.kind is JobKind.PROCESSING:
            self._processing(fetcher)
            return self._continuous_outputs()
        if spec.instance.kind is JobKind.TRANSFORM:
            self._transform(fetcher)
            return []
        for channel in spec.request.get("InputDataConfig", ()):
            name = channel["ChannelName"]
            source = channel["DataSource"]["S3DataSource"]
            fetcher.channel(source, self.ml / "input" / "data" / name, name=name)
        return self._checkpoints(fetcher)

    def _processing(self, fetcher: Fetcher) -> None:
        for given in self.spec.request.get("ProcessingInputs", ()):
            source = given.get("S3Input", {})
            if source.get("LocalPath", "").startswith(_ML):
                fetcher.channel(source, self.ml / source["LocalPath"].removeprefix(_ML), name=given["InputName"])
        for output in outputs_of(self.spec):
            (self.ml / output.local).mkdir(parents=True, exist_ok=True)

    def _transform(self, fetcher: Fetcher) -> None:
        """Several instances share the files."""
        fetch_model(self.blobs, self.spec.request["Container"], self.ml / "model")
        source = self.spec.request["TransformInput"]["DataSource"]["S3DataSource"]
        shared = {**source, "S3DataDistributionType": "ShardedByS3Key"}
        fetcher.channel(shared, self.ml / "transform" / "input", name="TransformInput")

    def _checkpoints(self, fetcher: Fetcher) -> list[FolderSync]:
        config = self.spec.request.get("CheckpointConfig")
        if not config:
            return []
        local = config.get("LocalPath", "/opt/ml/checkpoints").rstrip("/").removeprefix(_ML)
        return [self._begun(config["S3Uri"], local, at="CheckpointConfig", fetcher=fetcher)]

    def _continuous_outputs(self) -> list[FolderSync]:
        outputs = [output for output in outputs_of(self.spec) if output.is_continuous]
        return [self._begun(output.uri, output.local, at=f"output {output.name}") for output in outputs]

    def _begun(self, uri: str, local: str, *, at: str, fetcher: Fetcher | None = None) -> FolderSync:
        """With a fetcher, what is there already is brought back first."""
        (self.ml / local).mkdir(parents=True, exist_ok=True)
        sync = FolderSync(self.blobs, parse_s3_uri(uri, at=at), self.ml, local)
        if fetcher is not None and (count := sync.restore(fetcher)):
            self.say(f"{count} checkpoint files were brought back")
        sync.start()
        return sync
