"""Optimizers, learning-rate schedules and weight averaging: PyTorch's `torch.optim` over NumPy.

>>> import tour
>>> w = tour.tensor([1.0, -2.0], requires_grad=True)
>>> optimizer = tour.optim.AdamW([w], lr=0.1)
>>> for _ in range(100):
...     optimizer.zero_grad()
...     loss = (w * w).sum()
...     loss.backward()
...     optimizer.step()
>>> bool(loss < 0.01)
True
"""

from typing import TYPE_CHECKING

from tour.optim._stateless import swap_in_optimizer_params_and_state as swap_in_optimizer_params_and_state
from tour.optim.adadelta import Adadelta as Adadelta
from tour.optim.adafactor import Adafactor as Adafactor
from tour.optim.adagrad import Adagrad as Adagrad
from tour.optim.adam import Adam as Adam
from tour.optim.adamax import Adamax as Adamax
from tour.optim.adamw import AdamW as AdamW
from tour.optim.asgd import ASGD as ASGD
from tour.optim.lbfgs import LBFGS as LBFGS
from tour.optim.muon import Muon as Muon
from tour.optim.nadam import NAdam as NAdam
from tour.optim.optimizer import Optimizer as Optimizer
from tour.optim.radam import RAdam as RAdam
from tour.optim.rmsprop import RMSprop as RMSprop
from tour.optim.rprop import Rprop as Rprop
from tour.optim.sgd import SGD as SGD
from tour.optim.sparse_adam import SparseAdam as SparseAdam

if TYPE_CHECKING:
    from tour.optim import lr_scheduler as lr_scheduler
    from tour.optim import swa_utils as swa_utils
else:

    def __getattr__(name: str):
        """Import a submodule when it is first used (PEP 562): `import tour.optim` is to stay quick."""
        if name in ("lr_scheduler", "swa_utils"):
            from importlib import import_module

            return import_module(f"tour.optim.{name}")
        raise AttributeError(f"module 'tour.optim' has no attribute {name!r}")
