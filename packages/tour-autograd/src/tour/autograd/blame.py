"""Saying what went wrong and where: the errors of the backward pass, and the places in the user's program that they name.

Nothing here runs until something has failed. A node remembers the code and the instruction that called its op; from these a frame
is made up that shows the line, chained before the error as its cause, so that a plain traceback tells the story in order: where the
op was called, where its value was overwritten, where the backward pass failed.
"""

from __future__ import annotations

from itertools import islice
from types import CodeType, FunctionType, TracebackType
from typing import Any

from tour._dtypes import FROM_NUMPY
from tour.autograd.tape import CODE, FIRST, OP, PICK, Leaf, calls_of, edges_of, lasti_of, line_of, line_of_node


class ForwardCall(Exception):
    """The place in the forward pass that an error of the backward pass goes back to; never raised by itself."""


def call_text(node: Any) -> str:
    """An op and the line that called it."""
    return f"{node[OP].name} at {line_of_node(node)}"


def freed_error(node: Any) -> RuntimeError:
    """The error of a second pass over a graph whose saved values were freed by the first."""
    return RuntimeError(
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
        "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
        "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after "
        f"calling backward.\nThe freed step is {node[OP].name}, called at {line_of_node(node)}"
    )


def overwritten_error(array: Any, stamp: Any, by: str) -> RuntimeError:
    """The error of a saved value that was overwritten; `by` says who saved it."""
    kind = FROM_NUMPY[array.dtype].name
    wrote = "" if stamp.where is None else f"\n  overwritten at {line_of(*stamp.where)}"
    error = RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{kind} tensor of shape {list(array.shape)}]\n  saved by {by}{wrote}\n"
        "  write into a .clone() instead, or after backward()"
    )
    if stamp.where is not None:
        error.__cause__ = at_line(
            ForwardCall("a value that was saved for the backward pass was overwritten here"), *stamp.where
        )
    return error


def explain(error: BaseException, node: Any, g: Any, roots: list[Any]) -> None:
    """Note on an exception of the backward pass in which op and module it arose, and chain the line that called the op before it.

    Args:
        error: The exception.
        node: The node of the op.
        g: The gradient that arrived there.
        roots: Where the pass began.
    """
    module = module_text(node, roots)
    inside = f", in {module}" if module else ""
    shapes = " and ".join(str(list(x.shape)) for x in (g if type(g) is list else [g]) if hasattr(x, "shape"))
    shape = f" with a gradient of shape {shapes}" if shapes else ""
    error.add_note(f"in the backward of {node[OP].name}{shape}, which was called at {line_of_node(node)}{inside}")
    first = error
    while first.__cause__ is not None and type(first.__cause__) is ForwardCall:
        first = first.__cause__
    if first.__cause__ is None and first.__context__ is None and node[CODE] is not None:
        first.__cause__ = at_line(ForwardCall(f"{node[OP].name} was called here{inside}"), node[CODE], lasti_of(node))


def made_by(own: Any, error: BaseException) -> BaseException:
    """An error about a tensor with this tape, with a note that says which line made it."""
    if type(own) is not Leaf:
        node = own[FIRST] if own[OP] is PICK else own
        module = module_text(node, [own])
        error.add_note(f"the tensor was made by {call_text(node)}{f', in {module}' if module else ''}")
    return error


def at_line(error: BaseException, code: CodeType, lasti: int) -> BaseException:
    """An exception whose traceback shows an instruction of the user's program, as if it had been raised there."""
    import ast  # 5 ms, only when something has failed

    line, end, column, end_column = next(islice(code.co_positions(), lasti // 2, None), (None,) * 4)
    if line is None:
        return error
    # A generator that waits there: its frame shows the place, and leads on to no other frame, which would keep the error alive.
    (waiting,) = ast.parse("def waiting(): yield").body
    for part in ast.walk(waiting):
        for name, value in zip(
            ("lineno", "end_lineno", "col_offset", "end_col_offset"),
            (line, end, column or 0, end_column or 0),
            strict=True,
        ):
            setattr(part, name, value)
    module = compile(ast.Module([waiting], []), code.co_filename, "exec")
    body = next(const for const in module.co_consts if isinstance(const, CodeType))
    generator = FunctionType(body.replace(co_name=code.co_name, co_qualname=code.co_qualname), {})()
    next(generator)
    frame = generator.gi_frame
    return error.with_traceback(TracebackType(None, frame, frame.f_lasti, line))


# --- Modules ----------------------------------------------------------------------------------------------------------------


def module_text(node: Any, roots: list[Any]) -> str:
    """The module in whose call a node was recorded, such as `net.2: Linear(9→2)`; empty outside modules."""
    modules = modules_round(node, roots)
    text: str = modules[-1]._where(modules[0]) if modules else ""
    return text


def modules_round(node: Any, roots: list[Any]) -> list[Any]:
    """The living modules in whose calls a node was recorded, the innermost first."""
    used_by: dict[int, list[Any]] = {}
    stack, seen = list(roots), {id(root) for root in roots}
    while stack:
        user = stack.pop()
        for e in below(user):
            used_by.setdefault(id(e), []).append(user)
            if id(e) not in seen:
                seen.add(id(e))
                stack.append(e)
    found: list[Any] = []
    upwards, seen = [node], {id(node)}
    for x in upwards:  # grows on the way
        for ref, inputs in calls_of(x):
            module = ref()
            if module is not None and all(module is not m for m in found) and _leads_to(x, node, inputs):
                found.append(module)
        for user in used_by.get(id(x), ()):
            if id(user) not in seen:
                seen.add(id(user))
                upwards.append(user)
    return found


def modules_of(nodes: list[Any]) -> dict[int, list[Any]]:
    """For each of some nodes, by its id, the living modules in whose calls it was recorded, the innermost first."""
    regions = []
    for node in nodes:
        for ref, inputs in calls_of(node):
            if (module := ref()) is not None:
                regions.append((module, _region(node, inputs)))
    found: dict[int, list[Any]] = {}
    for module, region in sorted(regions, key=lambda r: len(r[1])):
        for key in region:
            modules = found.setdefault(key, [])
            if all(module is not m for m in modules):
                modules.append(module)
    return found


def _region(result: Any, inputs: list[int]) -> set[int]:
    """The ids of the tapes between a call's result and its inputs."""
    stack, seen = [result], {id(result)}
    while stack:
        for e in below(stack.pop()):
            if id(e) not in seen and id(e) not in inputs:
                seen.add(id(e))
                stack.append(e)
    return seen


def below(node: Any) -> list[Any]:
    """The tapes that the edges of a node lead to."""
    if type(node) is Leaf:
        return []
    edges = [node[FIRST]] if node[OP] is PICK else edges_of(node)
    return [x for e in edges for x in (e if type(e) is tuple else (e,)) if x is not None]


def reachable(roots: list[Any]) -> list[Any]:
    """Some tapes and all that lie under them, those nearest first."""
    found, seen = list(roots), {id(root) for root in roots}
    for node in found:  # grows on the way
        for e in below(node):
            if id(e) not in seen:
                seen.add(id(e))
                found.append(e)
    return found


def _leads_to(result: Any, node: Any, inputs: list[int]) -> bool:
    """Whether a node lies between a call's result and its inputs."""
    stack, seen = [result], {id(result), *inputs}
    while stack:
        x = stack.pop()
        if x is node:
            return True
        new = [e for e in below(x) if id(e) not in seen]
        seen.update(map(id, new))
        stack += new
    return False
