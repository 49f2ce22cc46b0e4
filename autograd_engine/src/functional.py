"""Operations of neural networks, under the names of torch.nn.functional."""

from .ops.activations import (
    celu as celu,
    elu as elu,
    glu as glu,
    hardshrink as hardshrink,
    hardsigmoid as hardsigmoid,
    hardswish as hardswish,
    hardtanh as hardtanh,
    leaky_relu as leaky_relu,
    logsigmoid as logsigmoid,
    mish as mish,
    prelu as prelu,
    relu6 as relu6,
    rrelu as rrelu,
    selu as selu,
    silu as silu,
    softplus as softplus,
    softshrink as softshrink,
    softsign as softsign,
    swish as swish,
    tanhshrink as tanhshrink,
    threshold as threshold,
)
from .ops.attention import (
    scaled_dot_product_attention as scaled_dot_product_attention,
)
from .ops.counting import (
    one_hot as one_hot,
)
from .ops.cross_entropy import (
    cross_entropy as cross_entropy,
    nll_loss as nll_loss,
)
from .ops.distances import (
    cosine_similarity as cosine_similarity,
    normalize as normalize,
    pairwise_distance as pairwise_distance,
)
from .ops.dropout import (
    alpha_dropout as alpha_dropout,
    dropout as dropout,
    dropout1d as dropout1d,
    dropout2d as dropout2d,
    dropout3d as dropout3d,
    feature_alpha_dropout as feature_alpha_dropout,
)
from .ops.embedding import (
    embedding as embedding,
)
from .ops.gelu import (
    gelu as gelu,
    relu as relu,
)
from .ops.group_norms import (
    batch_norm as batch_norm,
    group_norm as group_norm,
    instance_norm as instance_norm,
)
from .ops.linear import (
    bilinear as bilinear,
    linear as linear,
)
from .ops.losses import (
    gaussian_nll_loss as gaussian_nll_loss,
    huber_loss as huber_loss,
    l1_loss as l1_loss,
    mse_loss as mse_loss,
    poisson_nll_loss as poisson_nll_loss,
    smooth_l1_loss as smooth_l1_loss,
)
from .ops.margin_losses import (
    cosine_embedding_loss as cosine_embedding_loss,
    hinge_embedding_loss as hinge_embedding_loss,
    margin_ranking_loss as margin_ranking_loss,
    multi_margin_loss as multi_margin_loss,
    multilabel_soft_margin_loss as multilabel_soft_margin_loss,
    soft_margin_loss as soft_margin_loss,
    triplet_margin_loss as triplet_margin_loss,
    triplet_margin_with_distance_loss as triplet_margin_with_distance_loss,
)
from .ops.norms import (
    layer_norm as layer_norm,
    rms_norm as rms_norm,
)
from .ops.padding import (
    pad as pad,
)
from .ops.probability_losses import (
    binary_cross_entropy as binary_cross_entropy,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    kl_div as kl_div,
)
from .ops.recurrent import (
    gru as gru,
    gru_cell as gru_cell,
    lstm as lstm,
    lstm_cell as lstm_cell,
    rnn as rnn,
    rnn_relu_cell as rnn_relu_cell,
    rnn_tanh_cell as rnn_tanh_cell,
)
from .ops.response_norm import (
    local_response_norm as local_response_norm,
)
from .ops.softmax import (
    gumbel_softmax as gumbel_softmax,
    log_softmax as log_softmax,
    softmax as softmax,
    softmin as softmin,
)
