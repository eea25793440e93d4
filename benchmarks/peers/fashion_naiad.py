"""Naiad with an automatic plan: python fashion_naiad.py TASK.

settings: ``time_limit_s``, ``report`` (those of ``fit``). The clock covers the whole call, with its test of the network.
"""

from fashion_task import Predict, Task, run_task

from naiad import fit as naiad_fit  # imported here, so that torch is loaded before the clock starts


def fit(task: Task) -> Predict:
    data: object = str(task.root / "FashionMNIST" / "raw")
    if task.samples is not None or task.validate:
        data = task.training_data()
    limit_s = task.settings.get("time_limit_s")
    length = {"time_limit_s": float(limit_s)} if limit_s is not None else {"epochs": task.epochs}
    model = naiad_fit("simplenet", data, seed=task.seed, report=task.settings.get("report", True), **length)
    return lambda images: model.predict(images).scores.argmax(1)


if __name__ == "__main__":
    run_task(fit)
