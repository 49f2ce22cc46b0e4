"""Which of torch's operations the engine means to have, by how often they are used.

Tier 1: what every model is made of. Tier 2: what a PyTorch user reaches for in a month.
"""

import src as ag
from src import functional as F


TIERS = {
    1: """
        abs add addmm all any argmax argmin atan2 bmm broadcast_to cat ceil chunk
        clamp clone contiguous cos cumsum diagonal div dot einsum eq equal exp
        expand eye flatten flip floor full_like gather ge gt index_select isfinite
        isinf isnan le linspace log log1p log_softmax logical_and logical_not
        logical_or logsumexp lt masked_fill masked_select matmul max maximum mean
        min minimum mm mul mv narrow ne neg new_ones new_zeros norm ones ones_like
        permute pow prod randn reciprocal remainder repeat reshape roll round rsqrt
        rsub scatter scatter_add select sigmoid sign sin softmax sort split sqrt
        square squeeze stack std sub sum t tan tanh tile topk transpose tril triu
        unbind unflatten unsqueeze var view where zeros zeros_like __getitem__
        nn.functional.batch_norm nn.functional.binary_cross_entropy
        nn.functional.binary_cross_entropy_with_logits nn.functional.conv1d
        nn.functional.conv2d nn.functional.cross_entropy nn.functional.dropout
        nn.functional.embedding nn.functional.gelu nn.functional.l1_loss
        nn.functional.layer_norm nn.functional.leaky_relu nn.functional.linear
        nn.functional.max_pool2d nn.functional.avg_pool2d nn.functional.mse_loss
        nn.functional.nll_loss nn.functional.pad nn.functional.relu
        nn.functional.silu nn.functional.scaled_dot_product_attention
        nn.functional.softplus
    """.split(),
    2: """
        acos acosh addbmm addcdiv addcmul addmv addr allclose amax amin aminmax
        arange argsort argwhere asin asinh atan atanh atleast_1d atleast_2d
        atleast_3d baddbmm bernoulli block_diag broadcast_tensors bucketize
        cartesian_prod column_stack copysign corrcoef cosh count_nonzero cov cross
        cummax cummin cumprod deg2rad diag diag_embed diagflat diff dist dsplit
        dstack erf erfc exp2 expand_as expm1 fliplr flipud float_power floor_divide
        fmax fmin fmod frac full heaviside histc hsplit hstack hypot index_add
        index_copy index_fill index_put inner isclose isin isneginf isposinf kron
        kthvalue lerp lgamma linalg.vector_norm log10 log2 logaddexp logaddexp2
        logcumsumexp logical_xor logit logspace masked_scatter median meshgrid mode
        movedim msort nan_to_num nanmean nanmedian nansum new_full nonzero normal
        outer positive quantile rad2deg rand_like randint randn_like ravel
        repeat_interleave reshape_as rot90 scatter_reduce searchsorted sinc sinh
        split_with_sizes std_mean take take_along_dim tensor_split tensordot trace
        trapezoid trunc unfold unique true_divide var_mean vdot view_as vsplit
        vstack xlogy nn.functional.adaptive_avg_pool1d
        nn.functional.adaptive_avg_pool2d nn.functional.adaptive_max_pool1d
        nn.functional.adaptive_max_pool2d nn.functional.avg_pool1d
        nn.functional.bilinear nn.functional.celu nn.functional.conv_transpose1d
        nn.functional.conv_transpose2d nn.functional.cosine_embedding_loss
        nn.functional.cosine_similarity nn.functional.dropout2d nn.functional.elu
        nn.functional.gaussian_nll_loss nn.functional.glu nn.functional.group_norm
        nn.functional.hardshrink nn.functional.hardsigmoid nn.functional.hardswish
        nn.functional.hardtanh nn.functional.hinge_embedding_loss
        nn.functional.huber_loss nn.functional.instance_norm
        nn.functional.interpolate nn.functional.kl_div nn.functional.logsigmoid
        nn.functional.margin_ranking_loss nn.functional.max_pool1d
        nn.functional.mish nn.functional.multi_margin_loss nn.functional.normalize
        nn.functional.pairwise_distance nn.functional.pixel_shuffle
        nn.functional.pixel_unshuffle nn.functional.poisson_nll_loss
        nn.functional.prelu nn.functional.relu6 nn.functional.rms_norm
        nn.functional.selu nn.functional.smooth_l1_loss
        nn.functional.soft_margin_loss nn.functional.softmin
        nn.functional.softshrink nn.functional.softsign nn.functional.tanhshrink
        nn.functional.threshold nn.functional.triplet_margin_loss
        nn.functional.unfold
    """.split(),
}

RANDOM = {
    "bernoulli",
    "nn.functional.dropout",
    "nn.functional.dropout2d",
    "normal",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
}
# Where OpInfo passes the arguments in another order than the user does.
REORDERED = {
    "where": lambda x, condition, y: ag.where(condition, x, y),
    "einsum": lambda tensors, subscripts: ag.einsum(subscripts, *tensors),
    "nn.functional.embedding": lambda w, i, **options: F.embedding(i, w, **options),
}
# torch holds 1/6 as a float32 in this derivative: 4.8e-9 off.
TOLERANCES = {"nn.functional.hardsigmoid": 1e-8}
