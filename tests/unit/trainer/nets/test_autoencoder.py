"""Autoencoders: shapes, embeddings, and clusters of digits."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score
from torch import nn

from naiad.errors import OptionError
from naiad.trainer.nets.autoencoder import flat_autoencoder, image_autoencoder


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (flat_autoencoder((5,)), (5,)),
        (flat_autoencoder((2, 3, 4), latent=3), (2, 3, 4)),
        (image_autoencoder((1, 8, 8)), (1, 8, 8)),
        (image_autoencoder((1, 28, 28)), (1, 28, 28)),
        (image_autoencoder((3, 19, 40), channels=8, latent=3), (3, 19, 40)),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_the_output_has_the_inputs_shape(net, shape, training):
    inputs = torch.randn(4, *shape)
    net.train(training)
    assert net(inputs).shape == inputs.shape
    assert net.encode(inputs).ndim == 2


def test_embeddings_lie_on_a_sphere():
    net = flat_autoencoder((5,), latent=9)
    assert net.encode(torch.randn(4, 5)).norm(dim=1).tolist() == pytest.approx([3.0] * 4)


def test_a_zero_embedding_stays_finite():
    net = flat_autoencoder((5,))
    nn.init.zeros_(net.encoder[1].last_layer.weight)
    nn.init.zeros_(net.encoder[1].last_layer.bias)
    assert torch.isfinite(net.encode(torch.zeros(1, 5))).all()


def test_nothing_is_random_in_eval_mode():
    net = image_autoencoder((1, 8, 8)).eval()
    images = torch.randn(2, 1, 8, 8)
    assert torch.equal(net(images), net(images))
    assert not torch.equal(net.train()(images), net(images))


@pytest.mark.parametrize("options", [{"latent": 1}, {"mask": 1.0}, {"noise": -1}, {"activation": "rellu"}])
def test_options_are_checked(options):
    with pytest.raises(OptionError):
        flat_autoencoder((5,), **options)
    with pytest.raises(OptionError):
        image_autoencoder((1, 8, 8), **options)


def test_clusters_of_digits_are_better_than_those_of_raw_pixels():
    pixels_NF, labels_N = load_digits(return_X_y=True)
    inputs_NF = torch.from_numpy((pixels_NF - pixels_NF.mean()) / pixels_NF.std()).float()
    torch.manual_seed(0)
    net = _train(flat_autoencoder((64,)), inputs_NF, epochs=30)
    with torch.no_grad():
        embeddings_ND = net.encode(inputs_NF).numpy()
    assert _nmi(embeddings_ND, labels_N) > _nmi(pixels_NF, labels_N) + 0.01


def _train(net, inputs_NF, *, epochs):
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    batches = inputs_NF.split(64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * len(batches))
    for _ in range(epochs):
        for batch in inputs_NF[torch.randperm(len(inputs_NF))].split(64):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(batch), batch).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def _nmi(points_ND, labels_N):
    clusters_N = KMeans(10, n_init=4, random_state=0).fit_predict(np.asarray(points_ND))
    return normalized_mutual_info_score(labels_N, clusters_N)
