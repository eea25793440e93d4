"""Keras 3 on torch in its documented style: KERAS_BACKEND=torch python fashion_keras.py TASK.

Sequential, compile, fit on arrays in memory with Adam; without the metrics and the bar of its quickstart, which take time.
settings: ``schedule`` ("constant", or "cosine": warm-up and fall by its CosineDecay), ``layout`` ("channels_last", its
default, or "channels_first"). Needs keras.
"""

import keras
import numpy as np
from fashion_task import Predict, Task, run_task
from keras import layers


def network(*, channels_first: bool) -> keras.Model:
    keras.config.set_image_data_format("channels_first" if channels_first else "channels_last")
    return keras.Sequential([
        keras.Input((1, 28, 28) if channels_first else (28, 28, 1)),
        layers.Conv2D(6, 5, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 5, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dense(10),
    ])  # fmt: skip


def learning_rate(task: Task, samples: int) -> object:
    if task.settings.get("schedule") != "cosine":
        return task.learning_rate
    steps = task.epochs * -(-samples // task.batch_size)
    warmup_steps = round(0.15 * steps)
    return keras.optimizers.schedules.CosineDecay(
        task.learning_rate / 25, steps - warmup_steps, warmup_target=task.learning_rate, warmup_steps=warmup_steps
    )


def fit(task: Task) -> Predict:
    keras.utils.set_random_seed(task.seed)
    channels_first = task.settings.get("layout") == "channels_first"

    def scaled(images: np.ndarray) -> np.ndarray:
        return np.expand_dims(images.astype("float32") / 255, 1 if channels_first else -1)

    images, labels = task.training_data()
    inputs = scaled(images)
    task.mark_data_ready()
    model = network(channels_first=channels_first)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate(task, len(labels))),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(inputs, labels, batch_size=task.batch_size, epochs=task.epochs, verbose=0)
    return lambda judged: model.predict(scaled(judged), batch_size=1_000, verbose=0).argmax(1)


if __name__ == "__main__":
    run_task(fit)
