"""Logging of the toolkit."""

import logging

_FORMAT = "%(asctime)s %(name)-12s %(levelname)-8s %(message)s"


def get_logger() -> logging.Logger:
    return logging.getLogger("sagemaker-training-toolkit")


def configure_logger(level: int, log_format: str = _FORMAT) -> None:
    logging.basicConfig(format=log_format, level=level)
