"""Work that is recorded once and then started as a whole, without Python: CUDA graphs.

While a stream is captured, kernels are noted instead of run. So nothing may wait for a result, and what changes from one replay to the
next must lie in memory that stays where it is: inputs are copied into the tensors of the capture, results are read from them.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tour._core import autograd
from tour.cuda import _bounds, _cupy, _faults, _random, _recording
from tour.cuda._array import CudaArray
from tour.cuda._launch import RUNNERS, captures
from tour.cuda.streams import Stream, StreamContext, current_stream
from tour.random import recorders

__all__ = ["CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing", "make_graphed_callables"]

MODES = {"global": "Global", "thread_local": "ThreadLocal", "relaxed": "Relaxed"}


def is_current_stream_capturing() -> bool:
    """Whether the work of the current stream is being captured."""
    return _cupy.used() and bool(_cupy.module().cuda.get_current_stream().is_capturing())


def graph_pool_handle() -> Any:
    """Memory that several graphs may share, if they are replayed in the order in which they were captured."""
    return _cupy.ready().cuda.MemoryPool()


def _prepare(stream: Any) -> None:
    """Make what lives longer than a graph before its capture begins: else each replay would make it anew."""
    like = CudaArray(_cupy.module().empty((1,), np.float32))
    if CudaArray in RUNNERS:
        _random.state(like)
        _faults.flag(like)
    _bounds.flag(_cupy.current())
    stream.synchronize()


def before_replay(look: Callable[[], Any], act: Callable[[Any], Any]) -> None:
    """Have something done before each replay of the graph that is being captured: what it writes to the device, the replay sees.

    Args:
        look: Called first, and changes nothing; if one raises, nothing is replayed.
        act: Called when all have looked, with what `look` gave.

    Raises:
        RuntimeError: If no `CUDAGraph` is being captured.
    """
    if not captures:
        raise RuntimeError(
            "this work depends on numbers of the host that change from one replay to the next; capture it by tour.cuda.graph, "
            "whose replays take them along"
        )
    captures[-1]._before.append((look, act))


class CUDAGraph:
    """Captured work, to be replayed.

    Its memory comes from a pool of its own, which lives as long as the graph: nobody else is given the addresses it has noted.

    Attributes:
        kept: What libraries work in, and nobody else may while the graph runs.
    """

    def __init__(self, keep_graph: bool = False) -> None:
        self._before: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = []
        self.kept: dict[Any, Any] = {}
        self._graph: Any = None
        self._pool: Any = None
        self._allocator: Any = None

    def capture_begin(self, pool: Any = None, capture_error_mode: str = "global") -> None:
        """Begin to note the work of the current stream, which must not be the default one.

        Raises:
            RuntimeError: If it is, or this graph holds a capture already.
            ValueError: If there is no such mode.
        """
        module = _cupy.ready()
        if self._graph is not None or self._allocator is not None:
            raise RuntimeError("this CUDAGraph already holds a capture; call reset() first, or make another")
        if capture_error_mode not in MODES:
            raise ValueError(f"capture_error_mode must be one of {', '.join(MODES)}, but got {capture_error_mode!r}")
        stream = module.cuda.get_current_stream()
        if stream.ptr == module.cuda.Stream.null.ptr:
            raise RuntimeError("CUDA graphs must be captured on a non-default stream; use `with tour.cuda.graph(g):`")
        _prepare(stream)
        self._pool = module.cuda.MemoryPool() if pool is None else pool
        self._allocator = module.cuda.using_allocator(self._pool.malloc)
        self._allocator.__enter__()
        try:
            stream.begin_capture(getattr(module.cuda.runtime, f"streamCaptureMode{MODES[capture_error_mode]}"))
        except BaseException:
            self._close()
            raise
        captures.append(self)
        recorders.append(_recording.Recorder)

    def capture_end(self) -> None:
        """End the capture."""
        if self in captures:
            captures.remove(self)
            recorders.pop()
        try:
            self._graph = _cupy.module().cuda.get_current_stream().end_capture()
        finally:
            self._close()

    def _close(self) -> None:
        self._allocator.__exit__(None, None, None)
        self._allocator = None

    def replay(self) -> None:
        """Start the captured work on the current stream.

        Raises:
            RuntimeError: If nothing has been captured.
        """
        if self._graph is None:
            raise RuntimeError("Called CUDAGraph::replay without a preceding successful capture.")
        seen = [look() for look, _ in self._before]
        for (_, act), what in zip(self._before, seen, strict=True):
            act(what)
        self._graph.launch(_cupy.module().cuda.get_current_stream())

    def reset(self) -> None:
        """Forget the captured work and its memory."""
        self._graph = self._pool = None
        self._before.clear()
        self.kept = {}

    def pool(self) -> Any:
        """The memory of this graph, for others that are replayed with it."""
        return self._pool


class graph:
    """A block whose work is captured into a graph; nothing of it runs before `replay`.

    Args:
        cuda_graph: Where to.
        pool: Memory to share with another graph, from `graph_pool_handle()` or `other.pool()`.
        stream: The stream to capture on; one of its own unless given.
        capture_error_mode: `"global"`, `"thread_local"` or `"relaxed"`: what other threads may do meanwhile.
    """

    default_capture_stream: Stream | None = None

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: Any = None,
        stream: Stream | None = None,
        capture_error_mode: str = "global",
    ) -> None:
        if stream is None:
            if graph.default_capture_stream is None:
                graph.default_capture_stream = Stream()
            stream = graph.default_capture_stream
        self.cuda_graph, self.pool, self.mode = cuda_graph, pool, capture_error_mode
        self.capture_stream, self._context = stream, StreamContext(stream)

    def __enter__(self) -> CUDAGraph:
        from tour.cuda.devices import synchronize
        from tour.cuda.memory import empty_cache

        synchronize()
        gc.collect()
        empty_cache()
        self._context.__enter__()
        try:
            self.cuda_graph.capture_begin(self.pool, self.mode)
        except BaseException:
            self._context.__exit__(None, None, None)
            raise
        return self.cuda_graph

    def __exit__(self, *error: object) -> None:
        try:
            self.cuda_graph.capture_end()
        finally:
            self._context.__exit__(*error)


def make_graphed_callables(
    callables: Any, sample_args: Any, num_warmup_iters: int = 3, allow_unused_input: bool = False, pool: Any = None
) -> Any:
    """Functions or modules whose forward and backward passes are replayed graphs.

    Args:
        callables: One, or a tuple of several that are called in this order.
        sample_args: For each, a tuple of tensors of the shapes that it will be called with.
        num_warmup_iters: Calls before the capture: they compile kernels and make room.
        allow_unused_input: Whether an input may have no gradient.
        pool: Memory to share with other graphs.

    Returns:
        For each, a function of the same arguments; a module is returned itself, with another `forward`.
    """
    if not isinstance(callables, tuple):
        return _graphed(callables, sample_args, num_warmup_iters, allow_unused_input, pool)
    pool = graph_pool_handle() if pool is None else pool
    return tuple(
        _graphed(function, args, num_warmup_iters, allow_unused_input, pool)
        for function, args in zip(callables, sample_args, strict=True)
    )


def _graphed(function: Any, sample: Sequence[Any], warmup: int, allow_unused: bool, pool: Any) -> Any:
    import tour

    grad, Function = autograd().grad, autograd().Function

    is_module = hasattr(function, "parameters")
    parameters = tuple(p for p in function.parameters() if p.requires_grad) if is_module else ()
    forward = function.forward if is_module else function
    inputs = tuple(x.detach().clone().requires_grad_(x.requires_grad) for x in sample)
    wanted = tuple(t for t in (*inputs, *parameters) if t.requires_grad)

    def outputs() -> tuple[Any, ...]:
        found = forward(*inputs)
        return found if isinstance(found, tuple) else (found,)

    def gradients(results: tuple[Any, ...], arriving: Sequence[Any]) -> Any:
        live = [(r, g) for r, g in zip(results, arriving, strict=True) if r.requires_grad]
        return grad([r for r, _ in live], wanted, [g for _, g in live], allow_unused=allow_unused)

    side = Stream()
    side.wait_stream(current_stream())
    with StreamContext(side):
        for _ in range(warmup):
            results = outputs()
            if wanted:
                gradients(results, [tour.ones_like(r) for r in results])
    current_stream().wait_stream(side)
    ahead, back = CUDAGraph(), CUDAGraph()
    with graph(ahead, pool):
        results = outputs()
    arriving = [tour.empty_like(r) for r in results]
    found: Any = ()
    if wanted:
        with graph(back, ahead.pool()):
            found = gradients(results, arriving)

    class Replayed(Function):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Any:
            for place, x in zip(inputs, args, strict=False):
                if place.data_ptr() != x.data_ptr():
                    with tour.no_grad():
                        place.copy_(x)
            ahead.replay()
            copies = tuple(r.detach() for r in results)
            return copies if len(copies) > 1 else copies[0]

        @staticmethod
        def backward(ctx: Any, *gs: Any) -> Any:
            for place, g in zip(arriving, gs, strict=True):
                if g is not None:
                    place.copy_(g)
            back.replay()
            by = dict(zip(map(id, wanted), found, strict=True))
            given = (by.get(id(t)) for t in (*inputs, *parameters))
            return tuple(None if g is None else g.detach() for g in given)

    def replayed(*args: Any) -> Any:
        return Replayed.apply(*args, *parameters)

    if not is_module:
        return replayed
    training, eager = function.training, forward

    def chosen(*args: Any) -> Any:
        return replayed(*args) if function.training == training else eager(*args)

    function.forward = chosen
    return function
