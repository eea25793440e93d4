"""The part of SageMaker's training toolkit that scripts import. A job finds it when the real toolkit is not installed."""
