"""The tensor: a raw array, a slot for a tape, and every op as a method."""

from __future__ import annotations

from typing import Any, Self, TypeVar

import numpy as np

from tour import _core, _declare
from tour._core import UNTRACKED, Inference, autograd, is_inference, new, root_of, stamp_of, wrap
from tour._devices import device, device_of
from tour._dtypes import FROM_NUMPY, dtype, get_default_dtype
from tour._legacy import legacy_array
from tour._numpy import NumPyProtocols
from tour._operands import NUMBER, number
from tour._pickling import Pickling
from tour._python_data import raw_data
from tour._shapes import Size, wrap_dim
from tour._storage import Storage, address
from tour.ops.activations import Activations
from tour.ops.arithmetic import Arithmetic
from tour.ops.arranging import Arranging
from tour.ops.bitwise import Bitwise
from tour.ops.broadcasting import Broadcasting
from tour.ops.casting import Casting
from tour.ops.clipping import Clipping
from tour.ops.comparison import Comparison
from tour.ops.complexes import Complexes
from tour.ops.contractions import Contractions
from tour.ops.copies import Copies
from tour.ops.creation import finish
from tour.ops.diagonals import Diagonals
from tour.ops.division import Division
from tour.ops.extremes import Extremes
from tour.ops.filling import Filling
from tour.ops.gathering import Gathering
from tour.ops.histograms import Histograms
from tour.ops.index_writing import IndexWriting
from tour.ops.indexing import Indexing
from tour.ops.linear import Linear
from tour.ops.math import Math
from tour.ops.matrices import Matrices
from tour.ops.new import New
from tour.ops.norms import Norms
from tour.ops.permuting import Permuting
from tour.ops.powers import Powers
from tour.ops.quantiles import Quantiles
from tour.ops.questions import Questions
from tour.ops.reductions import Reductions
from tour.ops.resizing import Resizing
from tour.ops.rounding import Rounding
from tour.ops.sampling import RandomMethods
from tour.ops.scans import Scans
from tour.ops.scattering import Scattering
from tour.ops.searching import Searching
from tour.ops.shaping import Shaping
from tour.ops.slicing import Slicing
from tour.ops.softmax import Softmax
from tour.ops.sorting import Sorting
from tour.ops.special import Special
from tour.ops.splitting import Splitting
from tour.ops.statistics import Statistics
from tour.ops.stft import ShortTime
from tour.ops.trigonometry import Trigonometry

T = TypeVar("T", bound="Tensor")


class Tensor(
    Arithmetic,
    Trigonometry,
    Special,
    Softmax,
    Rounding,
    Powers,
    Questions,
    Division,
    Complexes,
    Clipping,
    Bitwise,
    Activations,
    Math,
    Matrices,
    Comparison,
    Reductions,
    Linear,
    Arranging,
    Broadcasting,
    Contractions,
    Diagonals,
    Extremes,
    Filling,
    Gathering,
    Histograms,
    Norms,
    Permuting,
    Scans,
    Scattering,
    Slicing,
    Sorting,
    Statistics,
    ShortTime,
    Quantiles,
    Resizing,
    Copies,
    New,
    Splitting,
    Searching,
    IndexWriting,
    Shaping,
    Indexing,
    Casting,
    NumPyProtocols,
    Pickling,
    RandomMethods,
    Storage,
):
    """An n-dimensional array whose operations can be recorded and differentiated.

    Make one with `tour.tensor(data)`, `tour.zeros(2, 3)` and their kin, or from a NumPy array with `tour.from_numpy(a)`.
    `Tensor(2, 3)` is PyTorch's legacy form: uninitialised, in the default dtype; `Tensor([1, 2])` holds the data.

    Examples:
        >>> import tour
        >>> x = tour.Tensor([[1, 2], [3, 4]])
        >>> x.shape, x.dtype, x.sum()
        (tour.Size([2, 2]), tour.float32, tensor(10.))
    """

    # No __dict__: it would cost every result 20 ns. Subclasses such as nn.Parameter have one.
    __slots__ = ("__weakref__", "_a", "_grad", "_parent", "_rebased", "_tape")

    _a: Any  # the raw array: always an array, also without dimensions
    _tape: Any  # None, or what tour-autograd remembers
    _parent: Any  # set on views only: the tensor it looks into
    _grad: Any  # set by tour-autograd only
    _rebased: Any  # set by tour-autograd only

    __array_priority__ = 1000  # NumPy arrays on the left give way

    def __new__(cls, *args: Any, device: Any = None) -> Self:
        return cls._of_array(finish(legacy_array(args, get_default_dtype(), cls.__name__), device)._a)

    @classmethod
    def _of_array(cls, array: Any) -> Self:
        t: Self = new(cls)
        t._a = array
        t._tape = None
        return t

    def as_subclass(self, cls: type[T]) -> T:
        """The same memory and history as a tensor of another class.

        Examples:
            >>> import tour
            >>> class Image(tour.Tensor):
            ...     pass
            >>> type(tour.zeros(2).as_subclass(Image)).__name__
            'Image'
        """
        if not issubclass(cls, Tensor):
            raise TypeError(f"cls must be a type that inherits from Tensor, but got {cls}")
        t = cls._of_array(self._a)
        t._tape, t._parent = self._tape, self
        return t

    # --- What it is ---------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """Sizes of the dimensions.

        Examples:
            >>> import tour
            >>> tour.ones(2, 3).shape
            tour.Size([2, 3])
        """
        return Size(self._a.shape)

    @property
    def dtype(self) -> dtype:
        """The element type.

        Examples:
            >>> import tour
            >>> tour.ones(2).dtype, tour.arange(2).dtype
            (tour.float32, tour.int64)
        """
        return FROM_NUMPY[self._a.dtype]

    @property
    def device(self) -> device:
        """Where the elements live.

        Examples:
            >>> import tour
            >>> tour.ones(2).device
            device(type='cpu')
        """
        return device_of(self._a)

    @property
    def ndim(self) -> int:
        """Number of dimensions.

        Examples:
            >>> import tour
            >>> tour.ones(2, 3).ndim
            2
        """
        return self._a.ndim  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        """Bytes per element.

        Examples:
            >>> import tour
            >>> tour.ones(2).itemsize
            4
        """
        return self._a.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """Bytes of all elements.

        Examples:
            >>> import tour
            >>> tour.ones(2, 3).nbytes
            24
        """
        return self._a.nbytes  # type: ignore[no-any-return]

    @property
    def is_cuda(self) -> bool:
        """Whether the elements live on a CUDA device.

        Examples:
            >>> import tour
            >>> tour.ones(2).is_cuda
            False
        """
        return self.device.type == "cuda"

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension.

        Examples:
            >>> import tour
            >>> tour.ones(2, 3).size(), tour.ones(2, 3).size(-1)
            (tour.Size([2, 3]), 3)
        """
        return Size(self._a.shape) if dim is None else self._a.shape[wrap_dim(dim, self._a.ndim)]

    def dim(self) -> int:
        """Number of dimensions.

        Examples:
            >>> import tour
            >>> tour.ones(2, 3).dim()
            2
        """
        return self._a.ndim  # type: ignore[no-any-return]

    def element_size(self) -> int:
        """Bytes per element.

        Examples:
            >>> import tour
            >>> tour.ones(2).element_size()
            4
        """
        return self._a.itemsize  # type: ignore[no-any-return]

    def stride(self, dim: int | None = None) -> Any:
        """Steps between neighbours in each dimension, in elements; negative ones are possible.

        Examples:
            >>> import tour
            >>> tour.ones(2, 3).stride(), tour.ones(2, 3).T.stride()
            ((3, 1), (1, 3))
        """
        a = (
            self._a if self._a.size else np.empty([n or 1 for n in self._a.shape], self._a.dtype)
        )  # as if there were something
        steps = tuple(s // a.itemsize for s in a.strides)
        return steps if dim is None else steps[wrap_dim(dim, len(steps))]

    def storage_offset(self) -> int:
        """Where the first element stands in the memory it shares, in elements.

        Examples:
            >>> import tour
            >>> tour.arange(4)[1:].storage_offset()
            1
        """
        return int((self.data_ptr() - address(root_of(self._a))) // self._a.itemsize)

    # --- Python's protocols -------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        if not self._a.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._a)

    def __iter__(self) -> Any:
        if not self._a.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self._a)))

    def __reversed__(self) -> Any:
        return self.flip(0) if self._a.ndim else self

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (Tensor, *NUMBER)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool((self == element).any())

    def item(self) -> Any:
        """The value of a tensor with one element, as a Python number.

        Raises:
            RuntimeError: If it has more or fewer elements.

        Examples:
            >>> import tour
            >>> tour.tensor([2.5]).item()
            2.5
        """
        if self._a.size != 1:
            raise RuntimeError(f"a Tensor with {self._a.size} elements cannot be converted to Scalar")
        return self._a.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers; one number for a tensor without dimensions.

        Examples:
            >>> import tour
            >>> tour.tensor([[1, 2], [3, 4]]).tolist()
            [[1, 2], [3, 4]]
        """
        return self.cpu()._a.tolist()

    def __bool__(self) -> bool:
        if self._a.size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {'more than one value' if self._a.size else 'no values'} is ambiguous; "
                "use .any() or .all()"
            )
        return bool(self._a)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self._a.size != 1 or self._a.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._a.item())

    __hash__ = object.__hash__

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self._a.ndim else object.__format__(self, spec)

    def __repr__(self) -> str:
        from tour._printing import tensor_repr

        return tensor_repr(self)

    def _repr_html_(self) -> str:
        from tour._printing import tensor_html

        return tensor_html(self)

    # --- NumPy ----------------------------------------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The NumPy array whose memory this tensor shares.

        Raises:
            RuntimeError: If the tensor records gradients and `force` is False.
            TypeError: If it lives on another device and `force` is False.

        Examples:
            >>> import tour
            >>> t = tour.zeros(2)
            >>> t.numpy()[0] = 7
            >>> t
            tensor([7., 0.])
        """
        if type(self._a) is not _core.ndarray:
            if not force:
                raise TypeError(
                    f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy it to host memory first."
                )
            return self.cpu()._a  # type: ignore[no-any-return]
        if self._tape is not None and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._a

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.cpu()._a, dtype, copy=copy)

    # --- Gradients: declared here so that tools see them, answered by tour-autograd ---------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded, so that gradients flow back to it.

        Examples:
            >>> import tour
            >>> x = tour.ones(2, requires_grad=True)
            >>> x.requires_grad, (2 * x).requires_grad, x.detach().requires_grad
            (True, True, False)
        """
        return self._tape is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            raise RuntimeError("you can only change requires_grad flags of leaf variables.")
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Record, or no longer record, operations on this leaf; returns the tensor.

        Examples:
            >>> import tour
            >>> tour.ones(2).requires_grad_()
            tensor([1., 1.], requires_grad=True)
        """
        if requires_grad or self._tape is not None:
            autograd().set_requires_grad(self, requires_grad)
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether this tensor was made by the user rather than by a recorded operation.

        Examples:
            >>> import tour
            >>> x = tour.ones(2, requires_grad=True)
            >>> x.is_leaf, x.exp().is_leaf
            (True, False)
        """
        return self._tape is None or bool(autograd().is_leaf(self))

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has accumulated here, or None.

        Examples:
            >>> import tour
            >>> x = tour.ones(2, requires_grad=True)
            >>> (3 * x).sum().backward()
            >>> x.grad
            tensor([3., 3.])
        """
        return getattr(self, "_grad", None)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is None:
            self._grad = None
        else:
            autograd().set_grad(self, value)

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def grad_fn(self) -> Any:
        """The node of the graph that made this tensor, or None for a leaf.

        Examples:
            >>> import tour
            >>> x = tour.ones(2, requires_grad=True)
            >>> x.grad_fn, x.exp().grad_fn
            (None, <ExpBackward0>)
        """
        return None if self._tape is None else autograd().grad_fn(self)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor with respect to each leaf of its graph to the leaf's `.grad`.

        Args:
            gradient: The gradient of this tensor; may be left out for a single element.
            retain_graph: Keep the graph for another backward pass.
            create_graph: Record the backward pass too, for gradients of gradients.
            inputs: Only these tensors get a gradient.

        Raises:
            RuntimeError: If this tensor was not recorded, has several elements and no `gradient`, or its graph was freed.

        Examples:
            >>> import tour
            >>> x = tour.tensor([1.0, 2.0], requires_grad=True)
            >>> (x**2).sum().backward()
            >>> x.grad
            tensor([2., 4.])
        """
        autograd().backward(self, gradient, retain_graph, create_graph, inputs)

    def register_hook(self, hook: Any) -> Any:
        """Call `hook(grad)` when this tensor's gradient is computed; what it returns, unless None, replaces the gradient.

        Returns:
            A handle with `remove()`.

        Raises:
            RuntimeError: If the tensor does not record.

        Examples:
            >>> import tour
            >>> x = tour.ones(2, requires_grad=True)
            >>> handle = x.register_hook(lambda g: 10 * g)
            >>> x.sum().backward()
            >>> x.grad
            tensor([10., 10.])
        """
        return autograd().register_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Any) -> Any:
        """Call `hook(tensor)` after a gradient was added to this leaf's `.grad`.

        Examples:
            >>> import tour
            >>> x = tour.ones(2, requires_grad=True)
            >>> handle = x.register_post_accumulate_grad_hook(lambda x: print("has", x.grad))
            >>> x.sum().backward()
            has tensor([1., 1.])
        """
        return autograd().register_post_accumulate_grad_hook(self, hook)

    def retain_grad(self) -> None:
        """Let a backward pass fill `.grad` although this tensor is no leaf.

        Examples:
            >>> import tour
            >>> y = 3 * tour.ones(2, requires_grad=True)
            >>> y.retain_grad()
            >>> y.sum().backward()
            >>> y.grad
            tensor([1., 1.])
        """
        autograd().retain_grad(self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this tensor, which is no leaf.

        Examples:
            >>> import tour
            >>> y = 2 * tour.ones(2, requires_grad=True)
            >>> y.retain_grad()
            >>> y.retains_grad
            True
        """
        return self._tape is not None and bool(autograd().retains_grad(self))

    def detach_(self) -> Self:
        """Forget this tensor's history.

        Raises:
            RuntimeError: If it is a view, whose base would keep its history.

        Examples:
            >>> import tour
            >>> y = 2 * tour.ones(2, requires_grad=True)
            >>> y.detach_().requires_grad
            False
        """
        parent = getattr(self, "_parent", None)
        if self._tape is not None and parent is not None and type(parent) is not Inference:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._tape = None
        return self

    @property
    def data(self) -> Tensor:
        """This tensor's elements outside any history; writes through it go unnoticed.

        Examples:
            >>> import tour
            >>> x = tour.ones(2, requires_grad=True)
            >>> x.data -= 0.5
            >>> x
            tensor([0.5000, 0.5000], requires_grad=True)
        """
        t = wrap(self._a)
        t._parent = UNTRACKED
        return t

    @data.setter
    def data(self, value: Tensor) -> None:
        self._a = value._a

    @property
    def _version(self) -> int:
        if is_inference(self):
            raise RuntimeError("Inference tensors do not track version counter.")
        stamp = stamp_of(self._a)
        return 0 if stamp is None else stamp.count

    @staticmethod
    def _of_number(x: Any) -> Any:
        """A tensor for anything `tour.tensor` takes."""
        return wrap(raw_data(x))

    @staticmethod
    def _of(x: Any, beside: Any) -> Any:
        """A tensor for a number that stands beside another tensor."""
        return x if isinstance(x, Tensor) else number(x, beside._a.dtype, beside._a)


_core.Tensor = _declare.Tensor = Tensor
