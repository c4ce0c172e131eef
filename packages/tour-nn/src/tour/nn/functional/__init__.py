"""Layers and losses as functions: `import tour.nn.functional as F`."""

from typing import TYPE_CHECKING

from tour import _core
from tour._lazy import on_first_use

_core.batching.append("tour.nn.kernels.batching")

if TYPE_CHECKING:
    from tour.nn.functional.activation import *
    from tour.nn.functional.adaptive_pooling import *
    from tour.nn.functional.attention import *
    from tour.nn.functional.average_pooling import *
    from tour.nn.functional.classification import *
    from tour.nn.functional.convolution import *
    from tour.nn.functional.ctc import *
    from tour.nn.functional.distance import *
    from tour.nn.functional.dropouts import *
    from tour.nn.functional.embeddings import *
    from tour.nn.functional.interpolation import *
    from tour.nn.functional.likelihood import *
    from tour.nn.functional.linear_maps import *
    from tour.nn.functional.normalization import *
    from tour.nn.functional.padding import *
    from tour.nn.functional.patches import *
    from tour.nn.functional.pooling import *
    from tour.nn.functional.ranking import *
    from tour.nn.functional.regression import *
    from tour.nn.functional.vision import *
else:
    __all__, __dir__, __getattr__ = on_first_use(
        __name__,
        {
            "activation": """
                celu celu_ elu elu_ gelu glu gumbel_softmax hardshrink hardsigmoid hardswish hardtanh hardtanh_
                leaky_relu leaky_relu_ log_softmax logsigmoid mish prelu relu relu6 relu_ rrelu rrelu_ selu selu_
                sigmoid silu softmax softmin softplus softshrink softsign tanh tanhshrink threshold threshold_
            """,
            "adaptive_pooling": """
                adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
                adaptive_max_pool1d_with_indices adaptive_max_pool2d adaptive_max_pool2d_with_indices
                adaptive_max_pool3d adaptive_max_pool3d_with_indices fractional_max_pool2d
                fractional_max_pool2d_with_indices fractional_max_pool3d fractional_max_pool3d_with_indices
            """,
            "attention": "multi_head_attention_forward scaled_dot_product_attention",
            "average_pooling": "avg_pool1d avg_pool2d avg_pool3d lp_pool1d lp_pool2d lp_pool3d",
            "classification": """
                binary_cross_entropy binary_cross_entropy_with_logits multi_margin_loss multilabel_margin_loss
                multilabel_soft_margin_loss soft_margin_loss
            """,
            "convolution": "conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d",
            "ctc": "ctc_loss",
            "distance": "cosine_similarity pairwise_distance pdist",
            "dropouts": "alpha_dropout dropout dropout1d dropout2d dropout3d feature_alpha_dropout",
            "embeddings": "embedding embedding_bag one_hot",
            "interpolation": "interpolate upsample upsample_bilinear upsample_nearest",
            "likelihood": "cross_entropy linear_cross_entropy nll_loss",
            "linear_maps": "bilinear linear",
            "normalization": "batch_norm group_norm instance_norm layer_norm local_response_norm normalize rms_norm",
            "padding": "pad",
            "patches": "fold unfold",
            "pooling": """
                max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d
                max_pool3d_with_indices max_unpool1d max_unpool2d max_unpool3d
            """,
            "ranking": """
                cosine_embedding_loss hinge_embedding_loss margin_ranking_loss triplet_margin_loss
                triplet_margin_with_distance_loss
            """,
            "regression": "gaussian_nll_loss huber_loss kl_div l1_loss mse_loss poisson_nll_loss smooth_l1_loss",
            "vision": "affine_grid channel_shuffle grid_sample native_channel_shuffle pixel_shuffle pixel_unshuffle",
        },
    )
