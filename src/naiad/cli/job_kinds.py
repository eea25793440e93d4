"""The kinds of jobs that a server has, AWS's operations for each, and the search for the kind of a named job."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from naiad.client.aws_errors import code_of
from naiad.errors import InputError, OptionError, did_you_mean

_NOT_FOUND = ("ValidationException", "ResourceNotFound")


@dataclass(frozen=True)
class JobKindApi:
    """AWS's operations for one kind of job."""

    word: str
    """The kind as a user names it: ``training``."""
    can_delete: bool = True
    """Whether AWS has an operation that deletes it; there is no DeleteTransformJob."""
    prefix: str = ""
    """The words that AWS puts before ``word`` in its names: ``HyperParameter``."""

    @property
    def noun(self) -> str:
        return f"{self.prefix}{self.word.title()}Job"

    @property
    def is_tuning(self) -> bool:
        """Whether it has trials, which are jobs themselves, and no program of its own."""
        return self.word == "tuning"

    @property
    def log_group(self) -> str:
        """Raises InputError for a kind without logs."""
        if self.is_tuning:
            raise InputError(
                f"a {self.word} job has no log of its own",
                hint="see its trials: naiad jobs show NAME, and take one of them",
            )
        return f"/aws/sagemaker/{self.noun}s"

    @property
    def end_key(self) -> str:
        """The member of a description that has the time of the end."""
        return f"{self.prefix}{self.word.title()}EndTime"

    def describe(self, sagemaker: Any, name: str) -> dict[str, Any]:
        """Raises ClientError."""
        answer: dict[str, Any] = self._call(sagemaker, "describe", name)
        answer.pop("ResponseMetadata", None)
        return answer

    def stop(self, sagemaker: Any, name: str) -> None:
        self._call(sagemaker, "stop", name)

    def delete(self, sagemaker: Any, name: str) -> None:
        """Raises InputError for a kind that cannot be deleted."""
        if not self.can_delete:
            raise InputError(f"{name} is a {self.word} job, and AWS's API cannot delete those")
        self._call(sagemaker, "delete", name)

    def list_newest(self, sagemaker: Any, limit: int, status: str | None) -> list[dict[str, Any]]:
        """Returns AWS's summaries, the newest first."""
        query = {"MaxResults": limit, "SortBy": "CreationTime", "SortOrder": "Descending"}
        if status:
            query["StatusEquals"] = status
        answer = getattr(sagemaker, f"list_{xform_name(self.noun)}s")(**query)
        summaries: list[dict[str, Any]] = answer[f"{self.noun}Summaries"]
        return summaries

    def name_of(self, job: dict[str, Any]) -> str:
        return str(job[f"{self.noun}Name"])

    def status_of(self, job: dict[str, Any]) -> str:
        return str(job[f"{self.noun}Status"])

    def _call(self, sagemaker: Any, verb: str, name: str) -> Any:
        return getattr(sagemaker, f"{verb}_{xform_name(self.noun)}")(**{f"{self.noun}Name": name})


JOB_KINDS = (
    JobKindApi("training"),
    JobKindApi("processing"),
    JobKindApi("transform", can_delete=False),
    JobKindApi("tuning", prefix="HyperParameter"),
)


def select_kinds(word: str | None) -> tuple[JobKindApi, ...]:
    """Returns the kind of that word, or all kinds for None. Raises OptionError."""
    kinds = tuple(kind for kind in JOB_KINDS if word in (None, kind.word))
    if not kinds:
        known = [kind.word for kind in JOB_KINDS]
        raise OptionError(f"there is no kind of job {word!r}", hint=did_you_mean(str(word), known))
    return kinds


def find_job(sagemaker: Any, name: str, kinds: Iterable[JobKindApi]) -> tuple[JobKindApi, dict[str, Any]]:
    """Returns the first kind that has a job of the name, and the job's description. Raises InputError where none has."""
    for kind in kinds:
        try:
            return kind, kind.describe(sagemaker, name)
        except ClientError as error:
            if code_of(error) not in _NOT_FOUND:
                raise
    raise InputError(f"there is no job of the name {name}", hint="see naiad jobs list")
