"""The backward pass: a walk over the tape, from roots to leaves, that adds up gradients.

The walk is iterative, so a graph may be deeper than Python's stack. Gradients are raw arrays, or tensors under
`create_graph=True`; the same rules run on both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from sys import getrefcount
from typing import Any

import numpy as np

from tour import _core
from tour._compiled import holds
from tour._core import as_array, clock, ndarray, stamp_of, wrap
from tour.autograd import anomaly, tape
from tour.autograd.blame import call_text, explain, freed_error, overwritten_error
from tour.autograd.saved import PACKED_TIME, unpacked
from tour.autograd.tape import (
    CODE,
    FIRST,
    HOOKS,
    LASTI,
    OP,
    PICK,
    TIME,
    Leaf,
    Node,
    edges_of,
    saved_of,
)
from tour.ops.reductions import sum_rows

Gradient = Any  # a raw array, or a tensor when the pass itself is recorded
watch: Any = None  # a profiler's `watch(ready, roots)`: a list in place of that of nodes that are ready, which sees each one taken


def flat_edges(node: Any) -> Iterable[Any]:
    """The edges of a node, those of lists of tensors included."""
    for e in edges_of(node):
        if type(e) is tuple:
            yield from (x for x in e if x is not None)
        elif e is not None:
            yield e


def run(
    roots: list[tuple[Any, Gradient]],
    *,
    retain: bool,
    create: bool,
    targets: list[Any] | None = None,
    accumulate: bool = True,
    recorded: bool = True,
) -> dict[int, Gradient]:
    """Walk back from `roots`, pairs of a tape and the gradient that arrives there.

    Args:
        roots: Where to begin.
        retain: Keep saved values for another pass.
        create: Record the pass itself.
        targets: If given, only gradients of these tapes are computed.
        accumulate: Add what arrives at leaves to their tensors' `.grad`.
        recorded: If False, a pass with `create` runs its formulas on tensors, as those of batches must, but records nothing.

    Returns:
        The gradients of `targets`, by `id` of the tape.
    """
    captured: dict[int, Gradient] = {}
    wanted = None if targets is None else {id(t) for t in targets}
    waiting, useful = _dependencies([root for root, _ in roots], wanted)
    grads: dict[int, Gradient] = {}
    for root, g in roots:
        key = id(root)
        grads[key] = g if key not in grads else grads[key] + g
    ready = [root for root in {id(root): root for root, _ in roots}.values() if not waiting[id(root)]]
    if useful is not None:
        ready = [root for root in ready if id(root) in useful]
    if watch is not None:
        ready = watch(ready, [root for root, _ in roots])
    search = anomaly.has_nan if anomaly.searching() else None
    node: Any = None
    g = None
    was = tape.set_recording(recorded) if create else None
    leaves: list[Leaf] = []  # with their gradients in `arrived`: nothing is accumulated by halves, should an op fail
    arrived: list[Gradient] = []
    silence = np.errstate(all="ignore")  # dividing by zero in a formula gives inf, as it does in PyTorch
    silence.__enter__()
    try:
        while ready:
            node = ready.pop()
            key = id(node)
            g = grads.pop(key, None)
            if type(node) is Leaf:
                if g is None:
                    continue
                if was is None and (node.hooks is not None or node.after):
                    was = tape.set_recording(create)
                if node.hooks is not None:
                    g = _call_before(node.hooks, g, create, (waiting, useful))
                if wanted is not None:
                    if key not in wanted:
                        continue
                    captured[key] = g
                if accumulate and not node.after:
                    leaves.append(node)
                    arrived.append(g)
                elif accumulate:
                    _accumulate(node, g, create)
                if node.hooks is not None and node.hooks.after:
                    _call_after(node.hooks, (), g, create)
                continue
            rule = node[OP].rule
            if node[HOOKS] is None and (rule.plain or rule.at_once) and not create and g is not None:
                # The common cases, written out: every call here is paid for each op of every program.
                if wanted is not None and key in wanted:
                    captured[key] = g
                values = node
                if clock.now != node[TIME] or len(node) == rule.first_saved:
                    values = checked(node)
                if rule.at_once:
                    edges = edges_of(node)
                    if useful is not None:
                        edges = [_useful(e, useful) for e in edges]
                    formula, *_, takes = rule.plan[0]
                    results: Any = formula(g, tuple([e is not None for e in edges]), *[values[i] for i in takes])
                    if search is not None:
                        anomaly.check(node, results)
                    for e, r in zip(edges, results):  # noqa: B905
                        if e is not None:
                            _deliver(e, r, grads, waiting, ready)
                    r = e = values = results = None
                    if not retain and rule.frees:
                        tape.free(node)
                    continue
                at = rule.shapes_at if rule.broadcasts else 0
                for e, (formula, count, i, j, takes) in zip(node[FIRST:], rule.plan):  # noqa: B905 (as many edges as formulas)
                    if e is not None and (useful is None or id(e) in useful):
                        if count == 1:
                            r = formula(g, values[i])
                        elif count == 0:
                            r = formula(g)
                        elif count == 2:
                            r = formula(g, values[i], values[j])
                        else:
                            r = formula(g, *[values[k] for k in takes])
                        if at and r.shape != values[at]:
                            r = sum_to(r, values[at])
                        if search is not None and r is not g and search(r):
                            raise anomaly.found(node, edges_of(node).index(e))
                        key = id(e)
                        held = grads.get(key)
                        grads[key] = r if held is None else held + r
                        left = waiting[key] - 1
                        waiting[key] = left
                        if not left:
                            ready.append(e)
                    if at:
                        at += 1
                r = held = e = values = None  # let go, so that a leaf can tell whether a gradient is its own
                if not retain and rule.frees:
                    tape.free(node)
                continue
            hooks = node[HOOKS]
            if was is None and (create or hooks is not None or rule.saved == ("ctx",)):
                was = tape.set_recording(create)  # no code but the user's could record anything
            edges = edges_of(node)
            if wanted is not None and key in wanted and g is not None and useful is not None and _goes_on(node, useful):
                captured[key] = g  # as it arrives: in PyTorch hooks then see only what goes on
                g = g if hooks is None else _call_before(hooks, g, create, (waiting, useful))
            elif g is not None:
                g = g if hooks is None else _call_before(hooks, g, create, (waiting, useful))
                if wanted is not None and key in wanted:
                    captured[key] = g
            if g is None:
                results = (None,) * len(edges)
            elif node[OP] is PICK:
                _picked(node, g, grads)
                results = (None,)
            else:
                results = _apply(node, g, create, useful)
                if search is not None:
                    anomaly.check(node, results)
                if not retain and rule.frees:
                    free(node)
            if hooks is not None and hooks.after and g is not None:
                results = _call_after(hooks, results, g, create)
            for e, r in zip(edges, results):  # noqa: B905
                if type(e) is tuple:
                    for inner, part in zip(e, r if r is not None else (None,) * len(e), strict=True):
                        if inner is not None and (useful is None or id(inner) in useful):
                            _deliver(inner, part, grads, waiting, ready)
                elif e is not None and (useful is None or id(e) in useful):
                    _deliver(e, r, grads, waiting, ready)
            r = results = None
        g = None
        while leaves:
            node, g = leaves.pop(), arrived.pop()
            _accumulate(node, g, create)
    except Exception as error:
        if type(node) is list and node[OP] is not PICK:
            explain(error, node, g, [root for root, _ in roots])
        raise
    finally:
        silence.__exit__(None, None, None)
        if was is not None:
            tape.set_recording(was)
    return captured


def _deliver(e: Any, r: Gradient | None, grads: dict[int, Any], waiting: dict[int, int], ready: list[Any]) -> None:
    """Add a gradient to what has arrived at an edge; the edge is ready when nothing more can come."""
    key = id(e)
    if r is not None:
        held = grads.get(key)
        grads[key] = r if held is None else held + r
    left = waiting[key] - 1
    waiting[key] = left
    if not left:
        ready.append(e)


def free(node: Node) -> None:
    """Let go of what a node saved; the graph may outlive the pass, in a loss that is kept for a plot."""
    if node[OP].rule.saved == ("ctx",):  # of a user's Function, which may keep other things too
        for ctx in saved_of(node):
            ctx._saved = None
    else:
        tape.free(node)


def _dependencies(roots: list[Any], wanted: set[int] | None) -> tuple[dict[int, int], set[int] | None]:
    """For each tape under the roots, how many gradients will arrive; and, if only some are wanted, which tapes lead to them."""
    waiting: dict[int, int] = {id(root): 0 for root in roots}
    only = next(iter(wanted)) if wanted is not None and len(wanted) == 1 else None
    stack = [root for key, root in {id(root): root for root in roots}.items() if key != only]
    if only is not None:  # as if seen: the walk ends there, for nothing behind a tape leads to it
        waiting.setdefault(only, 0)
    nodes = []
    while stack:
        node = stack.pop()
        if type(node) is Leaf:
            continue
        nodes.append(node)
        for e in node[FIRST : node[OP].rule.first_saved]:
            if e is None:
                continue
            key = id(e)
            if key in waiting:
                waiting[key] += 1
            elif type(e) is not tuple:
                waiting[key] = 1
                stack.append(e)
            else:
                for x in e:
                    if x is not None:
                        key = id(x)
                        if key in waiting:
                            waiting[key] += 1
                        else:
                            waiting[key] = 1
                            stack.append(x)
    if wanted is None:
        return waiting, None
    if only is not None and not waiting[only] and all(id(root) != only for root in roots):
        del waiting[only]  # never met
    useful = _leading_to(nodes, wanted)
    waiting = dict.fromkeys(waiting, 0)
    for node in nodes:
        if id(node) in useful:
            for e in flat_edges(node):
                waiting[id(e)] += 1
    return waiting, useful


def _leading_to(nodes: list[Any], wanted: set[int]) -> set[int]:
    """The ids of those nodes from which a wanted one can be reached."""
    parents: dict[int, list[int]] = {}
    for node in nodes:
        for e in flat_edges(node):
            parents.setdefault(id(e), []).append(id(node))
    useful = set(wanted)
    stack = list(wanted)
    while stack:
        for parent in parents.get(stack.pop(), ()):
            if parent not in useful:
                useful.add(parent)
                stack.append(parent)
    return useful


def _apply(node: Any, g: Gradient, create: bool, useful: set[int] | None) -> Any:
    """The gradients of a node's inputs; None where nobody wants one."""
    rule = node[OP].rule
    values = checked(node) if clock.now != node[TIME] or len(node) == rule.first_saved else node
    edges = edges_of(node)
    if useful is not None:
        edges = [_useful(e, useful) for e in edges]
    if create or rule.on_tensors:
        values, g = lift(values, node, create), _as_tensor(g)
    if rule.joint:
        formula, *_, takes = rule.plan[0]
        wanted = tuple([_wanted(e) for e in edges])
        results = formula(g, wanted, *[values[i] for i in takes], *((node,) if rule.saved == ("ctx",) else ()))
    else:
        results = [
            None if e is None else formula(g, *[values[i] for i in takes])
            for e, (formula, *_, takes) in zip(edges, rule.plan, strict=True)
        ]
    if rule.broadcasts:
        for i, shape in enumerate(node[rule.shapes_at :]):
            if (r := results[i]) is not None and r.shape != shape:
                results[i] = sum_to(r, shape)
    return [_as_raw(r) for r in results] if rule.on_tensors and not create else results


def _goes_on(node: Any, useful: set[int]) -> bool:
    """Whether wanted gradients lie beyond a node."""
    return any(id(e) in useful for e in flat_edges(node))


def _wanted(e: Any) -> Any:
    """Whether an edge's gradient is wanted; for a list of tensors, which."""
    return tuple([x is not None for x in e]) if type(e) is tuple else e is not None


def _useful(e: Any, useful: set[int]) -> Any:
    if type(e) is tuple:
        kept = tuple(x if x is not None and id(x) in useful else None for x in e)
        return kept if any(x is not None for x in kept) else None
    return e if e is not None and id(e) in useful else None


def _as_tensor(x: Any) -> Any:
    if type(x) in (list, tuple):
        return type(x)(_as_tensor(y) for y in x)
    if isinstance(x, np.generic):
        return wrap(np.asarray(x))
    return wrap(x) if hasattr(x, "__array_ufunc__") and not isinstance(x, _core.Tensor) else x


def _as_raw(x: Any) -> Any:
    if isinstance(x, _core.Tensor):
        return x._a
    return [_as_raw(y) for y in x] if type(x) in (list, tuple) else x


def lift(values: Node, node: Node, history: bool) -> Node:
    """A node with its saved values as tensors; with their history, so that a recorded pass can be differentiated again."""
    rule = node[OP].rule
    lifted: Node = values[: rule.first_saved]
    for x, source in zip(values[rule.first_saved :], rule.sources, strict=False):
        if source is None or not history:
            lifted.append(_as_tensor(x) if rule.on_tensors else x)
        elif source == -1:
            outputs = type(x) is tuple
            lifted.append(tuple(_output(x, node, i) for i in range(len(x))) if outputs else _with_tape(x, node))
        else:
            lifted.append(_with_tape(x, node[FIRST + source]))
    return lifted


def _with_tape(x: Any, edge: Any) -> Any:
    if type(x) in (list, tuple):
        return type(x)(_with_tape(y, edge[i] if edge is not None else None) for i, y in enumerate(x))
    if not hasattr(x, "__array_ufunc__"):
        return x
    t = wrap(x)
    t._tape = edge
    return t


def _output(outputs: Any, node: Node, i: int) -> Any:
    return _with_tape(outputs[i], [PICK, clock.now, node[CODE], node[LASTI], None, node, i, len(outputs)])


def _picked(node: Node, g: Any, grads: dict[int, Any]) -> None:
    """Put the gradient of one output into the list of gradients of a node with several."""
    parent, i, count = node[FIRST:]
    held = grads.setdefault(id(parent), [None] * count)
    held[i] = g if held[i] is None else held[i] + g


def _adding(add: Any) -> Callable[[Any, Any], None]:
    def add_to(held: Any, g: Any) -> None:
        add(held, g, out=held)

    holds(add_to, "add", add)
    return add_to


_add_to = _adding(np.add)  # in all threads, where compiled kernels are in use


def _accumulate(leaf: Leaf, g: Gradient, create: bool) -> None:
    """Add a gradient to a leaf's tensor."""
    t = leaf.ref()
    if t is None:
        return
    held = getattr(t, "_grad", None)
    if create:
        t._grad = g if held is None else held + g
    elif held is None:
        g, like = g if type(g) is ndarray else as_array(g), t._a
        # Two leaves must not share one `.grad`: the array itself will do only if nobody else holds its memory.
        if g.base is not None or getrefcount(g) > _ALONE or g.dtype is not like.dtype or not g.flags.c_contiguous:
            g = g.astype(like.dtype, order="C", copy=True)
        t._grad = wrap(g)
    elif held._tape is not None:
        t._grad = held + wrap(as_array(g))
    else:
        _add_to(held._a, g)
        _core.stamp_array(held._a)
    if leaf.after:
        for hook in list(leaf.after.values()):
            if (given := hook(t)) is not None:
                raise TypeError(
                    f"post accumulate grad hooks should return None, but one returned '{type(given).__name__}'"
                )


def _references(g: Any) -> int:
    """How many references `_accumulate` sees to an array that nobody but its caller holds."""
    return getrefcount(g)


def _count_references() -> int:
    g = np.empty(1)
    return _references(g)


_ALONE = _count_references()


def sum_to(g: Gradient, shape: tuple[int, ...]) -> Gradient:
    """The gradient of a value that was broadcast: summed over the axes that broadcasting added or stretched."""
    if g.shape == shape:
        return g
    lead = g.ndim - len(shape)
    stretched = tuple([i + lead for i, n in enumerate(shape) if n == 1 != g.shape[i + lead]])
    if not stretched:
        if type(g) is ndarray and g.size:
            return sum_rows(g.reshape(-1, prod(shape))).reshape(shape)
        return g.sum(0) if lead == 1 else g.sum(tuple(range(lead)))
    return g.sum((*range(lead), *stretched)).reshape(shape)


# --- Hooks ----------------------------------------------------------------------------------------------------------------


def _call_before(hooks: Any, g: Gradient, create: bool, walk: tuple[dict[int, int], set[int] | None]) -> Gradient:
    """Let hooks see and change a gradient; keep it for the tensor that asked to retain it."""
    if hooks.before:
        seen = _as_tensor(g) if type(g) is not list else g
        try:
            for hook in list(hooks.before.values()):
                tape.mode.walk = walk
                changed = hook(seen)
                if changed is not None:
                    seen = changed if type(seen) is list else _allowed(hook, seen, changed)
        finally:
            tape.mode.walk = None
        g = seen if create or type(seen) is list else _as_raw(seen)
    if hooks.retain is not None and (t := hooks.retain()) is not None:
        kept = g if create else wrap(as_array(g).copy())
        t._grad = kept if getattr(t, "_grad", None) is None else t._grad + kept
    return g


def _allowed(hook: Any, was: Any, g: Any) -> Any:
    """What a hook made of a gradient.

    Raises:
        TypeError: If it is no tensor.
        RuntimeError: If its shape or dtype differs.
    """
    name = getattr(hook, "__name__", type(hook).__name__)
    if not isinstance(g, _core.Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(g).__name__}'")
    if g._a.shape != was._a.shape:
        raise RuntimeError(
            f"hook '{name}' has changed the size of value: from {list(was._a.shape)} to {list(g._a.shape)}"
        )
    if g._a.dtype is not was._a.dtype:
        raise RuntimeError(f"hook '{name}' has changed the type of value (was {was.dtype} got {g.dtype})")
    return g


def _call_after(hooks: Any, results: Any, g: Gradient, create: bool) -> Any:
    """Let hooks see and change what a node made of a gradient."""
    listed = len(results) == 1 and type(results[0]) in (
        list,
        tuple,
    )  # a list of tensors, or the arguments of a Function
    seen = tuple(_as_tensor(r) for r in (results[0] if listed else results))
    given = tuple(_as_tensor(x) for x in g) if type(g) is list else (_as_tensor(g),)
    for hook in list(hooks.after.values()):
        changed = hook(seen, given)
        if changed is not None:
            seen = tuple(changed) if isinstance(changed, (tuple, list)) else (changed,)
    made = seen if create else [_as_raw(t) for t in seen]
    return [made] if listed else made


# --- Saved values ---------------------------------------------------------------------------------------------------------


def checked(node: Node) -> Node:
    """A node whose saved values may be used: not freed, not overwritten since; unpacked, if the user's hooks packed them.

    Raises:
        RuntimeError: Names the line that saved a value and the line that wrote over it.
    """
    rule = node[OP].rule
    saved = saved_of(node)
    if not saved and rule.saved:
        raise freed_error(node)
    if node[TIME] == PACKED_TIME:
        return [*node[: rule.first_saved], *unpacked(saved)]
    for x in saved:
        for array in x if type(x) in (tuple, list) else (x,):
            if hasattr(array, "__array_ufunc__") and hasattr(array, "base"):
                stamp = stamp_of(array)
                if stamp is not None and stamp.time > node[TIME]:
                    raise overwritten_error(array, stamp, call_text(node))
    return node
