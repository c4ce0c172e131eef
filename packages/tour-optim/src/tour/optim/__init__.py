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

from tour._lazy import on_first_use

if TYPE_CHECKING:
    from tour.optim import lr_scheduler as lr_scheduler
    from tour.optim import swa_utils as swa_utils
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
else:
    __all__, __dir__, __getattr__ = on_first_use(
        __name__,
        {
            "_stateless": "swap_in_optimizer_params_and_state",
            "adadelta": "Adadelta",
            "adafactor": "Adafactor",
            "adagrad": "Adagrad",
            "adam": "Adam",
            "adamax": "Adamax",
            "adamw": "AdamW",
            "asgd": "ASGD",
            "lbfgs": "LBFGS",
            "lr_scheduler": "",
            "muon": "Muon",
            "nadam": "NAdam",
            "optimizer": "Optimizer",
            "radam": "RAdam",
            "rmsprop": "RMSprop",
            "rprop": "Rprop",
            "sgd": "SGD",
            "sparse_adam": "SparseAdam",
            "swa_utils": "",
        },
    )
