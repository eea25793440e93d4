from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """A folder with 12 images of 6×7 pixels in each of train and test, of two classes, and a broken image in train."""
    for split in ("train", "test"):
        for index in range(12):
            path = tmp_path / split / ("cat" if index % 2 else "dog") / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            seed = index + 100 * (split == "test")
            pixels = np.random.default_rng(seed).integers(0, 255, (6, 7, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
    (tmp_path / "train" / "cat" / "broken.png").write_text("x")
    return tmp_path
