"""PyTorch's `torch.linalg`: factorizations, solvers, norms and products of matrices, in batches, real and complex.

Everything but the `ldl` functions, which need SciPy, is computed by NumPy. Gradients of the first and second order come with
tour-autograd.
"""

from tour.linalg._checks import LinAlgError as LinAlgError
from tour.linalg.factoring import cholesky as cholesky
from tour.linalg.factoring import cholesky_ex as cholesky_ex
from tour.linalg.factoring import eig as eig
from tour.linalg.factoring import eigh as eigh
from tour.linalg.factoring import eigvals as eigvals
from tour.linalg.factoring import eigvalsh as eigvalsh
from tour.linalg.factoring import householder_product as householder_product
from tour.linalg.factoring import ldl_factor as ldl_factor
from tour.linalg.factoring import ldl_factor_ex as ldl_factor_ex
from tour.linalg.factoring import lu as lu
from tour.linalg.factoring import lu_factor as lu_factor
from tour.linalg.factoring import lu_factor_ex as lu_factor_ex
from tour.linalg.factoring import qr as qr
from tour.linalg.factoring import svd as svd
from tour.linalg.factoring import svdvals as svdvals
from tour.linalg.measures import cond as cond
from tour.linalg.measures import det as det
from tour.linalg.measures import matrix_norm as matrix_norm
from tour.linalg.measures import matrix_rank as matrix_rank
from tour.linalg.measures import norm as norm
from tour.linalg.measures import slogdet as slogdet
from tour.linalg.measures import vector_norm as vector_norm
from tour.linalg.products import cross as cross
from tour.linalg.products import diagonal as diagonal
from tour.linalg.products import matmul as matmul
from tour.linalg.products import matrix_exp as matrix_exp
from tour.linalg.products import matrix_power as matrix_power
from tour.linalg.products import multi_dot as multi_dot
from tour.linalg.products import vander as vander
from tour.linalg.products import vecdot as vecdot
from tour.linalg.solving import inv as inv
from tour.linalg.solving import inv_ex as inv_ex
from tour.linalg.solving import ldl_solve as ldl_solve
from tour.linalg.solving import lstsq as lstsq
from tour.linalg.solving import lu_solve as lu_solve
from tour.linalg.solving import pinv as pinv
from tour.linalg.solving import solve as solve
from tour.linalg.solving import solve_ex as solve_ex
from tour.linalg.solving import solve_triangular as solve_triangular
from tour.linalg.solving import tensorinv as tensorinv
from tour.linalg.solving import tensorsolve as tensorsolve
