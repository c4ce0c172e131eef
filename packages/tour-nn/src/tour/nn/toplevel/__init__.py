"""What PyTorch shows as `torch.batch_norm`, `torch.lstm` or `torch.kl_div`, beside `torch.nn.functional`.

The same functions under their older signatures: all arguments by position, reductions and modes by number. `tour.lstm` finds them here.
"""

from typing import TYPE_CHECKING

from tour._lazy import on_first_use

if TYPE_CHECKING:
    from tour.nn.toplevel.convolutions import *
    from tour.nn.toplevel.dropping import *
    from tour.nn.toplevel.losses import *
    from tour.nn.toplevel.normalizing import *
    from tour.nn.toplevel.recurrences import *
    from tour.nn.toplevel.sampling import *
    from tour.nn.toplevel.tables import *
else:
    __all__, __dir__, __getattr__ = on_first_use(
        __name__,
        {
            "convolutions": "conv_tbc convolution",
            "dropping": """
                alpha_dropout alpha_dropout_ dropout dropout_ feature_alpha_dropout feature_alpha_dropout_ feature_dropout feature_dropout_
                native_dropout
            """,
            "losses": """
                binary_cross_entropy_with_logits cosine_embedding_loss ctc_loss hinge_embedding_loss kl_div margin_ranking_loss
                poisson_nll_loss triplet_margin_loss
            """,
            "normalizing": """
                batch_norm group_norm instance_norm layer_norm native_batch_norm native_group_norm native_layer_norm
            """,
            "recurrences": "gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell",
            "sampling": "affine_grid_generator grid_sampler grid_sampler_2d grid_sampler_3d",
            "tables": "embedding embedding_renorm_",
        },
    )
