"""Images that are decoded once, and those that cannot be."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from naiad.trainer.data.cleaning import image_cache
from naiad.trainer.data.cleaning.image_headers import choose_image_shape, read_headers
from naiad.trainer.data.cleaning.images import decode_images
from naiad.trainer.data.cleaning.lazy_images import LazyImages
from naiad.trainer.data.pixels import ImageShape
from naiad.trainer.data.sources.raw_data import ImageFiles, RawSplit


def noise(size: tuple[int, int], seed: int = 0, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def broken_folder(folder: Path) -> RawSplit:
    """Three good images of 12×10, one each with another mode, size or rotation, and four that cannot be used."""
    for index in range(3):
        (folder / f"a{index}.png").write_bytes(png(noise((10, 12), index)))
    (folder / "grey.png").write_bytes(png(noise((10, 12), 4, "L")))
    (folder / "large.png").write_bytes(png(noise((20, 24), 5)))
    exif = Image.Exif()
    exif[0x0112] = 6
    noise((12, 10), 6).save(folder / "rotated.jpg", exif=exif)
    (folder / "x-text.png").write_text("no image")
    (folder / "x-empty.png").write_bytes(b"")
    (folder / "x-truncated.png").write_bytes(png(noise((64, 64)))[:4000])
    (folder / "x-bomb.png").write_bytes(png(Image.new("1", (20_000, 10_000))))
    paths = sorted(folder.iterdir())
    return RawSplit(ImageFiles(paths), np.arange(len(paths)), [path.name for path in paths])


def test_every_problem_is_found_and_listed(tmp_path: Path) -> None:
    raw = broken_folder(tmp_path)
    headers = read_headers(raw.inputs)
    shape, _ = choose_image_shape(headers, None)
    assert shape == ImageShape(3, 12, 10)
    cleaned, findings = decode_images(raw, headers, shape, split="train", in_memory=True)
    assert list(cleaned.names) == ["a0.png", "a1.png", "a2.png", "grey.png", "large.png", "rotated.jpg"]
    assert {item.kind: (item.count, str(item.action)) for item in findings.items} == {
        "unreadable-image": (2, "quarantined"),
        "truncated-image": (1, "quarantined"),
        "oversized-image": (1, "quarantined"),
        "exif-rotated": (1, "repaired"),
        "wrong-mode": (1, "repaired"),
        "wrong-size": (1, "repaired"),
    }
    assert {item.name for item in findings.quarantine} == {
        "x-text.png",
        "x-empty.png",
        "x-truncated.png",
        "x-bomb.png",
    }
    assert cleaned.targets is not None
    assert cleaned.targets.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("has_room", [True, False])
def test_streamed_images_equal_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_room: bool) -> None:
    if not has_room:
        monkeypatch.setattr(image_cache, "MAX_DISK_FRACTION", 0.0)
    raw = broken_folder(tmp_path)
    headers = read_headers(raw.inputs)
    shape, _ = choose_image_shape(headers, None)
    from_memory, _ = decode_images(raw, headers, shape, split="train", in_memory=True)
    streamed, _ = decode_images(raw, headers, shape, split="train", in_memory=False)
    assert not streamed.samples.in_memory
    assert isinstance(streamed.samples, image_cache.CachedImages if has_room else LazyImages)
    indices = torch.tensor([5, 0, 3])
    assert torch.equal(from_memory.samples.take(indices), streamed.samples.take(indices))
    assert np.array_equal(from_memory.digests, streamed.digests)  # type: ignore[arg-type]
    selected = streamed.select(np.array([2, 1])).samples
    assert torch.equal(selected.take(torch.tensor([0])), from_memory.samples.take(torch.tensor([2])))


def test_sixteen_bits_keep_their_range(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 65535]], dtype=np.uint16)).save(tmp_path / "a.png")
    raw = RawSplit(ImageFiles([tmp_path / "a.png"]), None, ["a.png"])
    cleaned, _ = decode_images(raw, read_headers(raw.inputs), ImageShape(1, 1, 2), split="train", in_memory=True)
    assert cleaned.samples.take(torch.tensor([0])).flatten().tolist() == [0, 255]
