"""The kinds of jobs that a server has, in AWS's words for each, and which of them a name belongs to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from naiad.errors import InputError, OptionError, nearest


@dataclass(frozen=True)
class Kind:
    word: str
    """As a user says it: ``training``."""
    deletes: bool = True
    """AWS has no DeleteTransformJob."""

    @property
    def noun(self) -> str:
        return f"{self.word.title()}Job"

    @property
    def log_group(self) -> str:
        return f"/aws/sagemaker/{self.noun}s"

    def describe(self, sagemaker: Any, name: str) -> dict[str, Any]:
        """Raises ClientError."""
        answer: dict[str, Any] = self._call(sagemaker, "describe", name)
        answer.pop("ResponseMetadata", None)
        return answer

    def stop(self, sagemaker: Any, name: str) -> None:
        self._call(sagemaker, "stop", name)

    def delete(self, sagemaker: Any, name: str) -> None:
        """Raises InputError for a kind that stays."""
        if not self.deletes:
            raise InputError(f"{name} is a {self.word} job, which AWS's API has no deletion of")
        self._call(sagemaker, "delete", name)

    def newest(self, sagemaker: Any, limit: int, status: str | None) -> list[dict[str, Any]]:
        """Summaries in AWS's shape, the newest first."""
        query = {"MaxResults": limit, "SortBy": "CreationTime", "SortOrder": "Descending"}
        if status:
            query["StatusEquals"] = status
        found: list[dict[str, Any]] = getattr(sagemaker, f"list_{self.word}_jobs")(**query)[f"{self.noun}Summaries"]
        return found

    def name_of(self, job: dict[str, Any]) -> str:
        return str(job[f"{self.noun}Name"])

    def status_of(self, job: dict[str, Any]) -> str:
        return str(job[f"{self.noun}Status"])

    def _call(self, sagemaker: Any, verb: str, name: str) -> Any:
        return getattr(sagemaker, f"{verb}_{self.word}_job")(**{f"{self.noun}Name": name})


KINDS = (Kind("training"), Kind("processing"), Kind("transform", deletes=False))


def kinds_of(word: str | None) -> tuple[Kind, ...]:
    """The one of that word, or all. Raises OptionError."""
    found = tuple(kind for kind in KINDS if word in (None, kind.word))
    if not found:
        raise OptionError(f"there is no kind of job {word!r}", hint=nearest(str(word), [kind.word for kind in KINDS]))
    return found


def found_job(sagemaker: Any, name: str, kinds: Iterable[Kind]) -> tuple[Kind, dict[str, Any]]:
    """The kind of the job and its description; of several of one name the first. Raises InputError where there is none."""
    for kind in kinds:
        try:
            return kind, kind.describe(sagemaker, name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
                raise
    raise InputError(f"there is no job of the name {name}", hint="see naiad jobs list")
