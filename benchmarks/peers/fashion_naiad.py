"""Naiad, everything automatic: python fashion_naiad.py TASK.

settings: ``time_limit_s``, ``report`` (as ``fit``'s). The whole call is on the clock, its test of the network too.
"""

from fashion_task import Predict, Task, answer

from naiad import fit as naiad_fit  # here and not in ``fit``: torch comes with it


def fit(task: Task) -> Predict:
    data: object = str(task.root / "FashionMNIST" / "raw")
    if task.samples is not None or task.validate:
        data = task.training()
    limit_s = task.settings.get("time_limit_s")
    length = {"time_limit_s": float(limit_s)} if limit_s is not None else {"epochs": task.epochs}
    model = naiad_fit("simplenet", data, seed=task.seed, report=task.settings.get("report", True), **length)
    return lambda images: model.predict(images).scores.argmax(1)


if __name__ == "__main__":
    answer(fit)
