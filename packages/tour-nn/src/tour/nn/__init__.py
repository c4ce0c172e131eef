"""Neural networks: modules with parameters, and the functions they are made of."""

from typing import TYPE_CHECKING

from tour._lazy import on_first_use
from tour.nn import modules as modules

if TYPE_CHECKING:
    from tour.nn import attention as attention
    from tour.nn import functional as functional
    from tour.nn import grad as grad
    from tour.nn import init as init
    from tour.nn import parameter as parameter
    from tour.nn import utils as utils
    from tour.nn.modules import *
    from tour.nn.parallel import SyncBatchNorm as SyncBatchNorm
    from tour.nn.parameter import Buffer as Buffer
    from tour.nn.parameter import Parameter as Parameter
    from tour.nn.parameter import UninitializedBuffer as UninitializedBuffer
    from tour.nn.parameter import UninitializedParameter as UninitializedParameter
else:
    __all__, __dir__, __getattr__ = on_first_use(
        __name__,
        {
            "attention": "",
            "functional": "",
            "grad": "",
            "init": "",
            "modules": " ".join(modules.__all__),
            "parallel": "SyncBatchNorm",
            "parameter": "Buffer Parameter UninitializedBuffer UninitializedParameter",
            "utils": "",
        },
    )
    __all__.remove("SyncBatchNorm")  # from tour-distributed, which need not be installed
