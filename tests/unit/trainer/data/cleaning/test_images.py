import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.cleaning import decoded_images
from naiad.trainer.data.cleaning.images import PictureSamples, common_form, probe_pictures, read_pictures
from naiad.trainer.data.pixels import Form
from naiad.trainer.data.sources.raw_data import FilePictures, RawSplit


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
    return RawSplit(FilePictures(paths), np.arange(len(paths)), [path.name for path in paths])


def test_every_trouble_is_found_and_listed(tmp_path: Path) -> None:
    raw = broken_folder(tmp_path)
    probes = probe_pictures(raw.inputs)
    form, _ = common_form(probes, None)
    assert form == Form(3, 12, 10)
    checked, findings = read_pictures(raw, probes, form, split="train", in_memory=True)
    assert list(checked.names) == ["a0.png", "a1.png", "a2.png", "grey.png", "large.png", "rotated.jpg"]
    assert {item.kind: (item.count, str(item.action)) for item in findings.items} == {
        "unreadable-image": (2, "left out"),
        "truncated-image": (1, "left out"),
        "oversized-image": (1, "left out"),
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
    assert checked.targets is not None
    assert checked.targets.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("room", [True, False])
def test_streamed_images_equal_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: bool) -> None:
    if not room:
        monkeypatch.setattr(decoded_images, "DISK_PART", 0.0)
    raw = broken_folder(tmp_path)
    probes = probe_pictures(raw.inputs)
    form, _ = common_form(probes, None)
    held, _ = read_pictures(raw, probes, form, split="train", in_memory=True)
    streamed, _ = read_pictures(raw, probes, form, split="train", in_memory=False)
    assert not streamed.samples.in_memory
    assert isinstance(streamed.samples, decoded_images.DecodedSamples if room else PictureSamples)
    indices = torch.tensor([5, 0, 3])
    assert torch.equal(held.samples.take(indices), streamed.samples.take(indices))
    assert np.array_equal(held.digests, streamed.digests)  # type: ignore[arg-type]
    assert torch.equal(
        streamed.select(np.array([2, 1])).samples.take(torch.tensor([0])), held.samples.take(torch.tensor([2]))
    )


def test_large_images_are_capped_and_told(tmp_path: Path) -> None:
    noise((448, 300)).save(tmp_path / "a.png")
    probes = probe_pictures(FilePictures([tmp_path / "a.png"]))
    form, findings = common_form(probes, None)
    assert (form.height, form.width) == (150, 224)
    assert findings.items[0].kind == "large-images"
    assert common_form(probes, (32, 16))[0] == Form(3, 32, 16)


def test_sixteen_bits_keep_their_range(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 65535]], dtype=np.uint16)).save(tmp_path / "a.png")
    raw = RawSplit(FilePictures([tmp_path / "a.png"]), None, ["a.png"])
    checked, _ = read_pictures(raw, probe_pictures(raw.inputs), Form(1, 1, 2), split="train", in_memory=True)
    assert checked.samples.take(torch.tensor([0])).flatten().tolist() == [0, 255]


def test_nothing_readable(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("x")
    with pytest.raises(DataError, match="none of the 1 training images"):
        common_form(probe_pictures(FilePictures([tmp_path / "a.png"])), None)


def test_a_file_that_goes_away_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded_images, "DISK_PART", 0.0)
    noise((4, 4)).save(tmp_path / "a.png")
    raw = RawSplit(FilePictures([tmp_path / "a.png"]), None, ["a.png"])
    checked, _ = read_pictures(raw, probe_pictures(raw.inputs), Form(3, 4, 4), split="train", in_memory=False)
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match="cannot be now"):
        checked.samples.take(torch.tensor([0]))
