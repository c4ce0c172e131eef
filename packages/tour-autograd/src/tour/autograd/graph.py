"""The graph as users see it: `tensor.grad_fn`, its name and its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tour import Tensor
from tour._core import wrap, wrote
from tour.autograd import tape, views
from tour.autograd.hooks import Handle, current_tape
from tour.autograd.hooks import register_multi_grad_hook as register_multi_grad_hook
from tour.autograd.mutation import allow_mutation_on_saved_tensors as allow_mutation_on_saved_tensors
from tour.autograd.saved import disable_saved_tensors_hooks as disable_saved_tensors_hooks
from tour.autograd.saved import save_on_cpu as save_on_cpu
from tour.autograd.saved import saved_tensors_hooks as saved_tensors_hooks
from tour.autograd.tape import FIRST, OP, PICK, Leaf, edges_of, saved_of

if TYPE_CHECKING:
    from tour.autograd.drawing import Drawing


class GradFn:
    """A node of the graph, made when somebody asks for it; `Node` is another name of it.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> (x * 2).sum().grad_fn
        <SumBackward0>
    """

    __slots__ = ("_index", "_node")

    def __init__(self, node: Any, index: int = 0) -> None:
        self._node = node
        self._index = index

    def name(self) -> str:
        """PyTorch's name of the node, for example `AddBackward0`."""
        return tape.node_name(self._node)

    @property
    def next_functions(self) -> tuple[tuple[GradFn | None, int], ...]:
        """The nodes that made the inputs of this one, each with the number of the output that was used."""
        if type(self._node) is Leaf:
            return ()
        edges: list[Any] = []
        for e in edges_of(self._node):
            edges += e if type(e) is tuple else [e]
        return tuple((None, 0) if e is None else (made := node_of(e), made._index) for e in edges)

    def register_hook(self, hook: Callable[[Any, Any], Any]) -> Handle:
        """Call `hook(grad_inputs, grad_outputs)` after this node's gradients were computed; what it returns replaces `grad_inputs`."""
        return Handle(tape.ensure_hooks(self._node).after, hook)

    def register_prehook(self, hook: Callable[[Any], Any]) -> Handle:
        """Call `hook(grad_outputs)` before this node's gradients are computed; what it returns, unless None, replaces them."""

        def before(g: Any) -> Any:
            changed = hook(tuple(g) if isinstance(g, list) else (g,))
            return changed if changed is None or isinstance(g, list) else changed[0]

        return Handle(tape.ensure_hooks(self._node).before, before)

    @property
    def formula(self) -> str:
        """The gradient rule of this node as text: the source of its formulas.

        Examples:
            >>> import tour
            >>> x = tour.ones(2, requires_grad=True)
            >>> print(x.exp().grad_fn.formula)
            grad_input = g * out.conj()
            >>> print((x * 2).grad_fn.formula)
            grad_input = g * other.conj()
            grad_other = g * input.conj()
        """
        from tour.autograd.formula import formula_text  # reads source: only for those who ask

        return formula_text(self._node)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for the user's own remarks on this node; it lives as long as the node."""
        hooks = tape.ensure_hooks(self._node)
        return hooks.metadata

    @property
    def variable(self) -> Any:
        """The leaf tensor whose gradient arrives here; only leaves have one."""
        if type(self._node) is not Leaf:
            raise AttributeError(f"{self.name()} has no attribute 'variable'")
        return self._node.ref()

    def __getattr__(self, name: str) -> Any:
        # What a user's Function keeps: its context stands for the node in PyTorch.
        if type(self._node) is not Leaf and self._node[OP].rule.saved == ("ctx",):
            return getattr(saved_of(self._node)[0], name)
        raise AttributeError(f"{self.name()} has no attribute '{name}'")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradFn) and self._node is other._node

    def __hash__(self) -> int:
        return id(self._node)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


def draw(*tensors: Any, names: Any = None, most: int = 200) -> Drawing:
    """The graph behind some tensors, such as a loss, as a picture that a notebook shows and as text that `print` writes.

    Shapes are those that ops keep for their gradients, so draw before `backward()`, which lets go of them.

    Args:
        tensors: Recorded tensors.
        names: Names of leaves: a dict of tensors, or a module. Parameters of modules in the graph and variables of the program
            are found without.
        most: How many steps to draw at most, those nearest to the tensors.

    Raises:
        RuntimeError: If no tensor was recorded.

    Examples:
        >>> import tour
        >>> w = tour.ones(3, requires_grad=True)
        >>> picture = draw((w * 2).exp().sum(), names={"w": w})
        >>> [line.split("  ")[0] for line in str(picture).splitlines()]
        ['leaves: w [3]', '%1 = mul(w)', '%2 = exp(%1)', '%3 = sum(%2)']
        >>> picture.svg()[:4]
        '<svg'
    """
    from tour.autograd.drawing import drawing_of  # only for those who look

    if not any(t._tape is not None for t in tensors):
        raise RuntimeError("there is no graph to draw: the tensors do not require grad and do not have a grad_fn")
    return drawing_of(list(tensors), names, most)


def node_of(edge: Any) -> GradFn:
    """The node an edge leads to; one of several outputs is a number, not a node, in the public view."""
    if type(edge) is list and edge[OP] is PICK:
        return GradFn(edge[FIRST], saved_of(edge)[0])
    return GradFn(edge)


class GradientEdge(NamedTuple):
    """Where a gradient arrives: a tensor's place in the graph without its elements; `grad` and `backward` take it for the tensor.

    Attributes:
        node: The node of the graph.
        output_nr: Which of the node's outputs it is.
        ownership_token: What stands for the tensor: its shape, dtype and history.
    """

    node: GradFn
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The place of a tensor in the graph, which does not keep its elements alive.

    Raises:
        RuntimeError: If the tensor does not record.

    Examples:
        >>> import tour
        >>> x = tour.tensor([1.0, 2.0], requires_grad=True)
        >>> edge = get_gradient_edge(x)
        >>> tour.autograd.grad((x * x).sum(), edge)
        (tensor([2., 4.]),)
    """
    if tensor._tape is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    own = current_tape(tensor, "cannot get the gradient edge")
    stand_in = wrap(np.broadcast_to(np.empty_like(tensor._a, shape=()), tensor._a.shape))
    stand_in._tape = own
    node = node_of(own)
    return GradientEdge(node, node._index, stand_in)


def at_edge(x: Any) -> Any:
    """The stand-in of a gradient edge; anything else as it is."""
    if not isinstance(x, GradientEdge):
        return x
    if x.ownership_token is None:
        raise RuntimeError(
            "this GradientEdge was made by hand; get_gradient_edge(tensor) makes one that knows its tensor"
        )
    return x.ownership_token


def grad_fn(t: Any) -> GradFn | None:
    """The node that made a tensor; None for leaves.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> x.grad_fn, x.exp().grad_fn
        (None, <ExpBackward0>)
    """
    own = views.fresh(t) if tape.rebased else t._tape
    return None if own is None or type(own) is Leaf else node_of(own)


Node = GradFn


def increment_version(tensor: Any) -> None:
    """Count a write into a tensor, or several, that happened where nobody could see it."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        wrote(t)
