"""A model's graph as TensorBoard wants it: TensorFlow's GraphDef, whose nodes are boxed by the slashes in their names."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.autograd import enable_grad
from tour.autograd.blame import modules_of, reachable
from tour.autograd.graph import draw
from tour.utils import _protobuf as proto


def graph_of(model: Any, given: Any) -> tuple[bytes, str]:
    """A GraphDef of the operations that a model runs, and the same as text.

    Args:
        model: A module.
        given: A tensor, or a tuple of arguments.

    Raises:
        ValueError: If there is nothing to run or nothing was recorded.
    """
    if given is None:
        raise ValueError("a graph is that of a run: give the input, add_graph(model, input_to_model)")
    args = given if isinstance(given, tuple) else (given,)
    inputs = [_watched(x) for x in args]
    names = {f"input.{i}": x for i, x in enumerate(inputs) if isinstance(x, Tensor)}
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with enable_grad():
            made = list(_tensors(model(*inputs)))
    finally:
        for module, training in modes:
            module.training = training
    recorded = [t for t in made if t.requires_grad]
    if not recorded:
        raise ValueError("nothing of what the model gives can be differentiated, so there is no graph to show")
    drawing = draw(*recorded, names=names | dict(model.named_parameters()), most=100_000)

    scopes = _scopes(model, recorded)
    called: dict[int, str] = {}
    nodes = []
    for i, (key, vertex) in enumerate(drawing.vertices.items()):
        parameter = vertex.leaf and vertex.title not in names
        title = vertex.title.replace(".", "/") if vertex.leaf else f"{vertex.title}_{i}"
        called[key] = f"{type(model).__name__}/{title}" if parameter else scopes.get(key, "") + title
        op = "IO Node" if vertex.title in names else "Parameter" if parameter else vertex.title
        nodes.append(
            _node(called[key], op, [called[k] for k in vertex.inputs if k in called], vertex.shape, vertex.line)
        )
    last = [key for key in drawing.vertices if not any(key in v.inputs for v in drawing.vertices.values())]
    nodes += [_node(f"output/{i}", "IO Node", [called[key]], None, "") for i, key in enumerate(last)]
    return b"".join(nodes) + proto.data(4, proto.integer(1, 22)), str(drawing)


def _scopes(model: Any, recorded: list[Tensor]) -> dict[int, str]:
    """For each node, by its id, the path of the innermost module in whose call it was recorded, with slashes."""
    paths = {id(module): path for path, module in model.named_modules()}
    scopes = {}
    for key, modules in modules_of(reachable([t._tape for t in recorded])).items():
        path = paths.get(id(modules[0]), "")
        scopes[key] = "/".join([type(model).__name__, *path.split(".")] if path else [type(model).__name__]) + "/"
    return scopes


def _watched(x: Any) -> Any:
    """An argument whose way through the model can be followed."""
    if not isinstance(x, Tensor) or not (x.is_floating_point() or x.is_complex()):
        return x
    return x.detach().requires_grad_()


def _tensors(made: Any) -> Any:
    """The tensors in what a model gives."""
    if isinstance(made, Tensor):
        yield made
    elif isinstance(made, dict):
        yield from _tensors(list(made.values()))
    elif isinstance(made, (list, tuple)):
        for part in made:
            yield from _tensors(part)


def _node(name: str, op: str, inputs: list[str], shape: tuple[int, ...] | None, line: str) -> bytes:
    """A NodeDef with its name, operation, inputs, and, as attributes, shape and line of the program."""
    message = proto.data(1, name) + proto.data(2, op) + b"".join(proto.data(3, i) for i in inputs)
    if shape is not None:
        sizes = b"".join(proto.data(2, proto.integer(1, n)) for n in shape)
        message += _attribute("_output_shapes", proto.data(1, proto.data(7, sizes)))
    if line:
        message += _attribute("line", proto.data(2, line))
    return proto.data(1, message)


def _attribute(key: str, value: bytes) -> bytes:
    return proto.data(5, proto.data(1, key) + proto.data(2, value))
