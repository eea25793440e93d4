"""The table of scopes: which one a key needs for each operation. An operation that is not in it is for admin alone.

S3's operations need one by what they do to objects and buckets, see ``s3/permissions.py``.
"""

from collections.abc import Mapping

from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.scope import Scope, scope_words
from naiad.service.gateway.signing.authenticator import Principal

_Names = Mapping[str, tuple[str, ...]]
"""Operations by service."""

ANY_KEY: _Names = {
    "iam": ("GetRole", "SimulatePrincipalPolicy"),
    "sts": ("AssumeRole", "GetCallerIdentity", "GetSessionToken"),
}
"""Operations that need no scope: they say who calls, and give sessions that may do what their key may."""
_READ: _Names = {
    "cloudwatch": ("GetMetricData", "GetMetricStatistics", "ListMetrics"),
    "logs": ("DescribeLogGroups", "DescribeLogStreams", "FilterLogEvents", "GetLogEvents"),
    "sagemaker": (
        *("DescribeTrainingJob", "DescribeProcessingJob", "DescribeTransformJob"),
        *("ListTrainingJobs", "ListProcessingJobs", "ListTransformJobs"),
        *("DescribeHyperParameterTuningJob", "ListHyperParameterTuningJobs"),
        "ListTrainingJobsForHyperParameterTuningJob",
        *("DescribeModel", "DescribeModelPackage", "DescribeModelPackageGroup"),
        *("ListModels", "ListModelPackages", "ListModelPackageGroups"),
        *("DescribeEndpoint", "DescribeEndpointConfig", "ListEndpoints", "ListEndpointConfigs"),
        *("DescribeExperiment", "DescribeTrial", "DescribeTrialComponent", "DescribeArtifact"),
        *("ListExperiments", "ListTrials", "ListTrialComponents", "ListArtifacts", "ListAssociations"),
        *("ListTags", "Search"),
    ),
}
_INVOKE: _Names = {
    "sagemaker-runtime": ("InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"),
}
_JOBS: _Names = {
    "sagemaker": (
        *("CreateTrainingJob", "StopTrainingJob", "UpdateTrainingJob", "DeleteTrainingJob"),
        *("CreateProcessingJob", "StopProcessingJob", "DeleteProcessingJob"),
        *("CreateTransformJob", "StopTransformJob"),
        *("CreateHyperParameterTuningJob", "StopHyperParameterTuningJob", "DeleteHyperParameterTuningJob"),
        *("CreateModel", "DeleteModel", "CreateModelPackage", "CreateModelPackageGroup"),
        *("CreateExperiment", "UpdateExperiment", "DeleteExperiment"),
        *("CreateTrial", "UpdateTrial", "DeleteTrial"),
        *("CreateTrialComponent", "UpdateTrialComponent", "DeleteTrialComponent"),
        *("AssociateTrialComponent", "DisassociateTrialComponent"),
        *("CreateArtifact", "UpdateArtifact", "DeleteArtifact", "AddAssociation", "DeleteAssociation"),
        *("AddTags", "DeleteTags"),
    ),
    "sagemaker-metrics": ("BatchPutMetrics",),
}
_ADMIN: _Names = {
    "sagemaker": (
        *("CreateEndpointConfig", "DeleteEndpointConfig"),
        *("CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "DeleteEndpoint"),
        *("UpdateModelPackage", "DeleteModelPackage", "DeleteModelPackageGroup"),
    ),
}
OPERATIONS_BY_SCOPE: Mapping[Scope, _Names] = {
    Scope.READ: _READ,
    Scope.INVOKE: _INVOKE,
    Scope.JOBS: _JOBS,
    Scope.ADMIN: _ADMIN,
}
_SCOPE_OF: dict[tuple[str, str], Scope | None] = {
    (service, name): scope
    for scope, services in ((None, ANY_KEY), *OPERATIONS_BY_SCOPE.items())
    for service, names in services.items()
    for name in names
}


def scope_of(service: str, operation: str) -> Scope | None:
    """Returns None for an operation that each key may call."""
    return _SCOPE_OF.get((service, operation), Scope.ADMIN)


def check_scope(principal: Principal, service: str, operation: str) -> None:
    """Raises AccessDenied for a user's key without the scope that the operation needs."""
    scope = scope_of(service, operation)
    if scope is not None and scope not in principal.scopes:
        raise AccessDenied(f"{operation} {missing_scope(principal, scope)}")


def missing_scope(principal: Principal, scope: Scope) -> str:
    """Returns the end of a sentence about what needs the scope."""
    return f"needs the scope {scope}; the key {principal.name} has {scope_words(principal.scopes) or 'none'}"
