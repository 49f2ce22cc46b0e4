"""Which losses are summed with which weights, and which settings are refused."""

import dataclasses
import math

import pytest
import torch

from src.losses import TERMS, LossConfig, build_loss
from src.losses.boundary import boundary_loss
from src.losses.cross_entropy import cross_entropy_loss, inverse_frequency
from src.losses.overlap import dice_loss, tversky_loss
from src.utils.errors import InputError


COUNTS = (90, 9, 1)


def sample(classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, classes, 6, 5, generator=generator, dtype=torch.float64)
    target = torch.randint(0, classes, (2, 6, 5), generator=generator)
    target[0, 0] = 255
    return logits, target


@pytest.mark.spec(
    "SEG-060", "sum of the losses that `loss.terms` names, each times its"
)
def test_sum_is_the_weighted_sum():
    logits, target = sample()
    terms = {"cross_entropy": 0.5, "dice": 2.0, "focal": 0.0, "lovasz_softmax": 0.3}
    singles = {n: build_loss(LossConfig(terms={n: 1.0}), COUNTS) for n in terms}

    total = build_loss(LossConfig(terms=terms), COUNTS)(logits, target, 0.5)

    expected = sum(w * singles[n](logits, target, 0.5) for n, w in terms.items())
    torch.testing.assert_close(total, expected, rtol=1e-12, atol=0)


def test_default_is_cross_entropy_plus_dice():
    logits, target = sample()

    total = build_loss(LossConfig(), COUNTS)(logits, target, 1.0)

    expected = cross_entropy_loss(logits, target) + dice_loss(logits, target)
    torch.testing.assert_close(total, expected, rtol=1e-12, atol=0)


RATIOS = {"dice", "jaccard", "generalised_dice", "tversky", "focal_tversky"}


@pytest.mark.parametrize(
    ("setting", "terms"),
    [
        ({"class_weights": "inverse"}, {"cross_entropy", "focal"}),
        ({"label_smoothing": 0.2}, {"cross_entropy"}),
        ({"smooth": 3.0}, RATIOS),
        ({"squared": True}, {"dice"}),
        ({"per_image": True}, RATIOS | {"lovasz_softmax", "lovasz_hinge"}),
        ({"include_background": False}, RATIOS | {"lovasz_softmax"}),
        ({"gamma": 0.5}, {"focal"}),
        ({"alpha": 0.9}, {"tversky", "focal_tversky"}),
        ({"beta": 0.1}, {"tversky", "focal_tversky"}),
        ({"tversky_gamma": 2.0}, {"focal_tversky"}),
        ({"boundary_rampup": 0.9}, {"boundary"}),
    ],
)
def test_each_setting_changes_exactly_the_losses_it_names(setting, terms):
    changed = set()
    for name in TERMS:
        classes = 2 if name == "lovasz_hinge" else 3
        default = LossConfig(terms={name: 1.0})
        losses = [
            build_loss(config, COUNTS[:classes])(*sample(classes), 0.4)
            for config in (default, dataclasses.replace(default, **setting))
        ]
        if not torch.equal(*losses):
            changed.add(name)

    assert changed == terms


def test_tversky_settings_reach_the_loss():
    logits, target = sample()
    config = LossConfig(terms={"focal_tversky": 1.0}, alpha=0.2, beta=0.6)

    loss = build_loss(config, COUNTS)(logits, target, 1.0)

    assert loss == tversky_loss(logits, target, alpha=0.2, beta=0.6, gamma=0.75)


@pytest.mark.spec("SEG-056", "grows linearly from 0 over the first `boundary_rampup`")
def test_boundary_term_grows_linearly():
    logits, target = sample()
    config = LossConfig(terms={"boundary": 2.0}, boundary_rampup=0.5)
    loss = build_loss(config, COUNTS)

    grown = [loss(logits, target, p).item() for p in (0.0, 0.125, 0.5, 1.0)]

    full = 2 * boundary_loss(logits, target).item()
    assert grown == pytest.approx([0.0, full / 4, full, full], rel=1e-12)


def test_inverse_frequency_has_mean_one_and_an_absent_class_weighs_one():
    weight = inverse_frequency((900, 100, 0, 50))

    assert weight.mean().item() == pytest.approx(1.0)
    assert weight[2] == 1
    assert (weight[1] / weight[0]).item() == pytest.approx(9.0)
    assert (weight[3] / weight[1]).item() == pytest.approx(2.0)


def test_inverse_frequency_weighs_cross_entropy():
    logits, target = sample()
    config = LossConfig(terms={"cross_entropy": 1.0}, class_weights="inverse")

    loss = build_loss(config, COUNTS)(logits, target, 1.0)

    weight = inverse_frequency(COUNTS).double()
    torch.testing.assert_close(loss, cross_entropy_loss(logits, target, weight=weight))


def test_no_class_has_pixels():
    with pytest.raises(ValueError, match=r"class_pixels is \(0, 0\)"):
        build_loss(LossConfig(class_weights="inverse"), (0, 0))


@pytest.mark.spec("SEG-060", "is refused with the name of the field and the value")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"terms": {"dyce": 1.0}}, "terms.dyce is not a loss; did you mean dice?"),
        (
            {"terms": {"xyz": 1.0}},
            "terms.xyz is not a loss; Known: cross_entropy, dice",
        ),
        ({"terms": {"dice": -1.0}}, "terms.dice is -1.0; it must be at least 0"),
        ({"terms": {"dice": math.nan}}, "terms.dice is nan; it must be at least 0"),
        ({"terms": {"dice": math.inf}}, "terms.dice is inf; it must be at least 0"),
        ({"terms": {}}, "terms is {}; at least one loss needs a weight above 0"),
        ({"terms": {"dice": 0.0}}, "terms is {'dice': 0.0}; at least one"),
        ({"gamma": -0.1}, "gamma is -0.1; it must be at least 0"),
        ({"smooth": -1e-9}, "smooth is -1e-09; it must be at least 0"),
        ({"alpha": -1.0}, "alpha is -1.0; it must be at least 0"),
        ({"beta": math.nan}, "beta is nan; it must be at least 0"),
        ({"tversky_gamma": 0.0}, "tversky_gamma is 0.0, not above 0"),
        ({"tversky_gamma": math.nan}, "tversky_gamma is nan, not above 0"),
        (
            {"label_smoothing": 1.5},
            "label_smoothing is 1.5; it must be between 0 and 1",
        ),
        (
            {"boundary_rampup": -0.5},
            "boundary_rampup is -0.5; it must be between 0 and",
        ),
        ({"class_weights": "inv"}, "class_weights is 'inv'; it is none or inverse"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError) as error:
        LossConfig(**settings)

    assert str(error.value).startswith(message)


def test_losses_that_do_not_fit_the_classes_of_the_data():
    with pytest.raises(
        InputError, match="lovasz_hinge is for data of 2 classes, not of 3"
    ):
        build_loss(LossConfig(terms={"lovasz_hinge": 1.0}), COUNTS)
    with pytest.raises(InputError, match="the data has one class"):
        build_loss(LossConfig(terms={"boundary": 1.0}), (5,))
    with pytest.raises(InputError, match="the data has one class"):
        build_loss(LossConfig(include_background=False), (5,))
