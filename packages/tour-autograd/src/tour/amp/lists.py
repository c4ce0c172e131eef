"""Which functions autocast runs in what precision: PyTorch's lists (its page "Automatic Mixed Precision package").

Names are looked up in `tour`, `tour.nn.functional`, `tour.fft` and `tour.linalg`; methods and operators are the same functions.
"""

from __future__ import annotations

# Where half the bits cost little and gain much: products, on every device.
LOWER = """
    addbmm addmm baddbmm bmm conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d linalg.vecdot linear matmul
    mm prelu scaled_dot_product_attention recurrent.gru_layer recurrent.lstm_layer recurrent.rnn_layer
"""
LOWER_CUDA = "addmv addr linalg.multi_dot mv recurrent.gru_cell recurrent.lstm_cell recurrent.rnn_cell"

# Where sums and small differences need float32.
SINGLE_CPU = """
    adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d binary_cross_entropy cholesky cholesky_inverse cholesky_solve fft.fft fft.fft2
    fft.fftn fft.hfft fft.ifft fft.ifft2 fft.ifftn fft.ihfft fft.irfft fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn
    fractional_max_pool2d fractional_max_pool3d geqrf grid_sample huber_loss inverse linalg.cholesky linalg.cholesky_ex linalg.cond
    linalg.eig linalg.eigh linalg.eigvals linalg.eigvalsh linalg.householder_product linalg.inv linalg.inv_ex linalg.lstsq
    linalg.matrix_rank linalg.qr linalg.solve linalg.svd linalg.svdvals linalg.tensorinv linalg.tensorsolve lu_solve max_pool3d
    max_unpool2d max_unpool3d multilabel_margin_loss nanquantile orgqr ormqr pinverse polar qr quantile stft svd trace triangular_solve
    view_as_complex
"""
SINGLE = """
    binary_cross_entropy_with_logits cdist cosine_embedding_loss cross_entropy ctc_loss hinge_embedding_loss kl_div l1_loss
    margin_ranking_loss mse_loss multi_margin_loss nll_loss poisson_nll_loss prod smooth_l1_loss soft_margin_loss triplet_margin_loss
"""
SINGLE_CUDA = """
    acos asin cosh cosine_similarity cumprod cumsum dist erfinv exp expm1 group_norm layer_norm log log10 log1p log2 log_softmax norm
    normalize pdist pow reciprocal renorm rsqrt sinh softmax softmin softplus sum tan
"""

# Where operands of several precisions meet, in the widest of them.
WIDEST = "cat index_copy stack"
WIDEST_CUDA = "addcdiv addcmul atan2 bilinear cross dot grid_sample index_put scatter_add tensordot"

POLICIES: dict[str, dict[str, set[str]]] = {
    "cpu": {
        "lower": {*LOWER.split(), "tensordot"},
        "single": {*SINGLE.split(), *SINGLE_CPU.split()},
        "widest": set(WIDEST.split()),
    },
    "cuda": {
        "lower": {*LOWER.split(), *LOWER_CUDA.split()},
        "single": {*SINGLE.split(), *SINGLE_CUDA.split()},
        "widest": {*WIDEST.split(), *WIDEST_CUDA.split()},
    },
}
REFUSED = {"cuda": {"binary_cross_entropy"}}  # safe neither in float16 nor with the gradient of a sigmoid apart from it
