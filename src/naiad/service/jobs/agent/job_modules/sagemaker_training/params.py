"""Names of variables and of hyperparameters."""

from naiad.service.contract.training_toolkit import TOOLKIT_NAMES

SAGEMAKER_PREFIX = "sagemaker_"
CURRENT_HOST_ENV = "CURRENT_HOST"
TRAINING_JOB_ENV = "TRAINING_JOB_NAME"
FRAMEWORK_TRAINING_MODULE_ENV = "SAGEMAKER_TRAINING_MODULE"
USER_PROGRAM_PARAM, USER_PROGRAM_ENV = "sagemaker_program", "SAGEMAKER_PROGRAM"
SUBMIT_DIR_PARAM, SUBMIT_DIR_ENV = "sagemaker_submit_directory", "SAGEMAKER_SUBMIT_DIRECTORY"
LOG_LEVEL_PARAM, LOG_LEVEL_ENV = "sagemaker_container_log_level", "SAGEMAKER_CONTAINER_LOG_LEVEL"
JOB_NAME_PARAM, JOB_NAME_ENV = "sagemaker_job_name", "SAGEMAKER_JOB_NAME"
REGION_NAME_PARAM, REGION_NAME_ENV = "sagemaker_region", "SAGEMAKER_REGION"
S3_OUTPUT_LOCATION_PARAM, S3_OUTPUT_LOCATION_ENV = "sagemaker_s3_output", "SAGEMAKER_S3_OUTPUT"
TUNING_METRIC_PARAM = "_tuning_objective_metric"
DEFAULT_MODULE_NAME_PARAM = "default_user_module_name"
MPI_ENABLED = "sagemaker_mpi_enabled"
PARAMETER_SERVER_ENABLED = "sagemaker_parameter_server_enabled"
SAGEMAKER_HYPERPARAMETERS = TOOLKIT_NAMES
