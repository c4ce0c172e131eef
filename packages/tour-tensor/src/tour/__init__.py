"""Tensors like PyTorch's, over NumPy; and the package that tour-autograd, tour-nn and the others add themselves to."""

from typing import TYPE_CHECKING

# Each distribution ships one folder of this package. In an editable install those folders
# stay in separate source trees, so gather every "tour" folder on sys.path.
__path__ = __import__("pkgutil").extend_path(__path__, __name__)

import warnings as _warnings

# NumPy warns of division by zero and the like; PyTorch computes inf and NaN in silence. Only our own calls are silenced.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"tour\.")

from tour import _einops
from tour._devices import device as device
from tour._devices import get_default_device as get_default_device
from tour._devices import set_default_device as set_default_device
from tour._dtypes import *
from tour._dtypes import bfloat16 as bfloat16
from tour._dtypes import bool as bool
from tour._dtypes import cdouble as cdouble
from tour._dtypes import cfloat as cfloat
from tour._dtypes import complex64 as complex64
from tour._dtypes import complex128 as complex128
from tour._dtypes import double as double
from tour._dtypes import float as float
from tour._dtypes import float8_e4m3fn as float8_e4m3fn
from tour._dtypes import float8_e4m3fnuz as float8_e4m3fnuz
from tour._dtypes import float8_e5m2 as float8_e5m2
from tour._dtypes import float8_e5m2fnuz as float8_e5m2fnuz
from tour._dtypes import float8_e8m0fnu as float8_e8m0fnu
from tour._dtypes import float16 as float16
from tour._dtypes import float32 as float32
from tour._dtypes import float64 as float64
from tour._dtypes import half as half
from tour._dtypes import int as int
from tour._dtypes import int8 as int8
from tour._dtypes import int16 as int16
from tour._dtypes import int32 as int32
from tour._dtypes import int64 as int64
from tour._dtypes import long as long
from tour._dtypes import short as short
from tour._dtypes import uint8 as uint8
from tour._dtypes import uint16 as uint16
from tour._dtypes import uint32 as uint32
from tour._dtypes import uint64 as uint64
from tour._layouts import *
from tour._legacy import *
from tour._operands import result_type as result_type
from tour._printing import *
from tour._shapes import Size as Size
from tour._storage import *
from tour._tensor import Tensor as Tensor
from tour.ops.activations import *
from tour.ops.arithmetic import *
from tour.ops.arranging import *
from tour.ops.bitwise import *
from tour.ops.broadcasting import *
from tour.ops.casting import *
from tour.ops.clipping import *
from tour.ops.comparison import *
from tour.ops.complexes import *
from tour.ops.contractions import *
from tour.ops.copies import *
from tour.ops.creation import *
from tour.ops.diagonals import *
from tour.ops.differences import *
from tour.ops.division import *
from tour.ops.extremes import *
from tour.ops.factories import *
from tour.ops.filling import *
from tour.ops.gathering import *
from tour.ops.grids import *
from tour.ops.histograms import *
from tour.ops.index_writing import *
from tour.ops.joining import *
from tour.ops.linear import *
from tour.ops.low_rank import *
from tour.ops.math import *
from tour.ops.matrices import *
from tour.ops.norms import *
from tour.ops.permuting import *
from tour.ops.powers import *
from tour.ops.quantiles import *
from tour.ops.questions import *
from tour.ops.ranges import *
from tour.ops.reductions import *
from tour.ops.resizing import *
from tour.ops.rounding import *
from tour.ops.sampling import *
from tour.ops.scans import *
from tour.ops.scattering import *
from tour.ops.searching import *
from tour.ops.settings import *
from tour.ops.shaping import *
from tour.ops.slicing import *
from tour.ops.softmax import *
from tour.ops.sorting import *
from tour.ops.special import *
from tour.ops.splitting import *
from tour.ops.statistics import *
from tour.ops.stft import *
from tour.ops.trigonometry import *
from tour.ops.windows import *
from tour.random import *

_einops.watch()

if TYPE_CHECKING:
    from tour import amp as amp
    from tour import autograd as autograd
    from tour import backends as backends
    from tour import compat as compat
    from tour import cuda as cuda
    from tour import distributions as distributions
    from tour import fft as fft
    from tour import func as func
    from tour import jit as jit
    from tour import linalg as linalg
    from tour import nn as nn
    from tour import numba as numba
    from tour import optim as optim
    from tour import serialization as serialization
    from tour import signal as signal
    from tour import special as special
    from tour import testing as testing
    from tour import utils as utils
    from tour import version as version
    from tour._config import show_config as show_config
    from tour.amp.autocast_mode import *
    from tour.amp.grad_scaler import GradScaler as GradScaler
    from tour.autograd import enable_grad as enable_grad
    from tour.autograd import inference_mode as inference_mode
    from tour.autograd import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
    from tour.autograd import is_anomaly_enabled as is_anomaly_enabled
    from tour.autograd import is_grad_enabled as is_grad_enabled
    from tour.autograd import is_inference_mode_enabled as is_inference_mode_enabled
    from tour.autograd import no_grad as no_grad
    from tour.autograd import set_grad_enabled as set_grad_enabled
    from tour.autograd.anomaly import set_anomaly_enabled as set_anomaly_enabled
    from tour.func import vmap as vmap
    from tour.jit import compile as compile
    from tour.nn.functional import adaptive_avg_pool1d as adaptive_avg_pool1d
    from tour.nn.functional import adaptive_max_pool1d as adaptive_max_pool1d
    from tour.nn.functional import avg_pool1d as avg_pool1d
    from tour.nn.functional import bilinear as bilinear
    from tour.nn.functional import channel_shuffle as channel_shuffle
    from tour.nn.functional import conv1d as conv1d
    from tour.nn.functional import conv2d as conv2d
    from tour.nn.functional import conv3d as conv3d
    from tour.nn.functional import conv_transpose1d as conv_transpose1d
    from tour.nn.functional import conv_transpose2d as conv_transpose2d
    from tour.nn.functional import conv_transpose3d as conv_transpose3d
    from tour.nn.functional import cosine_similarity as cosine_similarity
    from tour.nn.functional import max_pool1d as max_pool1d
    from tour.nn.functional import max_pool1d_with_indices as max_pool1d_with_indices
    from tour.nn.functional import max_pool2d as max_pool2d
    from tour.nn.functional import max_pool3d as max_pool3d
    from tour.nn.functional import native_channel_shuffle as native_channel_shuffle
    from tour.nn.functional import pairwise_distance as pairwise_distance
    from tour.nn.functional import pdist as pdist
    from tour.nn.functional import pixel_shuffle as pixel_shuffle
    from tour.nn.functional import pixel_unshuffle as pixel_unshuffle
    from tour.nn.functional import rms_norm as rms_norm
    from tour.nn.toplevel import *
    from tour.serialization import load as load
    from tour.serialization import save as save

    __version__: str
else:
    from tour._lazy import __dir__, __getattr__  # noqa: F401 (PEP 562)
