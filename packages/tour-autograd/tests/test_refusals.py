"""Bad input: the exception PyTorch raises, and nothing accumulated by halves."""

from __future__ import annotations

import pytest

import tour
from tour.autograd import Function, Variable, grad


@pytest.fixture
def x():
    return tour.tensor([1.0, 2.0], requires_grad=True)


@pytest.fixture
def w():
    return tour.tensor([3.0, 4.0], requires_grad=True)


def function(backward, forward=lambda ctx, *args: args[0] * 2):
    return type("Mine", (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}).apply


# --- What is given to a backward pass ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "gradient, error, says",
    [
        (lambda: tour.ones(3), RuntimeError, "Mismatch in shape"),
        (lambda: tour.ones(1, 2), RuntimeError, "Mismatch in shape"),
        (lambda: tour.ones(2, dtype=tour.complex64), RuntimeError, "For complex Tensors, both grad_output and output"),
        (lambda: [1.0, 1.0], TypeError, "gradients can be either Tensors or None, but got float"),
    ],
)
def test_a_gradient_that_does_not_fit(x, gradient, error, says):
    with pytest.raises(error, match=says):
        (x * 2).backward(gradient())
    assert x.grad is None


def test_a_gradient_of_another_real_dtype_is_cast(x):
    (x * 2).backward(tour.tensor([1, 10]))
    assert x.grad.tolist() == [2.0, 20.0] and x.grad.dtype is tour.float32


def test_complex_results_need_a_gradient():
    z = tour.tensor(1 + 2j, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"only for real scalar outputs but got tour\.complex64"):
        (z * z).backward()


def test_options_of_grad(x):
    with pytest.raises(ValueError, match="Expected allow_unused to be True or not passed"):
        grad(x.sum(), x, materialize_grads=True, allow_unused=False)
    (rows,) = grad(x * x, x, tour.eye(2), is_grads_batched=True)
    assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_the_grad_attribute(x):
    with pytest.raises(RuntimeError, match="its own grad"):
        x.grad = x
    x.sum().backward()
    del x.grad
    assert x.grad is None


def test_flags_of_tensors_that_are_no_leaves(x):
    with pytest.raises(RuntimeError, match="leaf variables"):
        (x * 2).requires_grad = True
    assert (x * 2).requires_grad_().requires_grad
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        (x * 2)[:1].detach_()


def test_nothing_is_accumulated_when_a_later_op_fails(x, w):
    def fail(g):
        raise KeyError

    h = x * x
    h.register_hook(fail)
    with pytest.raises(KeyError):
        (h + w).sum().backward()
    assert x.grad is None and w.grad is None
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        (y + w).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0] and w.grad is None


# --- Function.backward ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "backward, says",
    [
        (lambda ctx, g: (g, g, g), r"incorrect number of gradients \(expected 2, got 3\)"),
        (lambda ctx, g: g, r"incorrect number of gradients \(expected 2, got 1\)"),
        (lambda ctx, g: (g, tour.ones(5)), r"invalid gradient at index 1 - got \[5\] but expected shape compatible with \[2\]"),
        (lambda ctx, g: (g, tour.ones(())), r"index 1 - got \[\]"),
        (lambda ctx, g: (g + 1j, g), "index 0 - expected type tour.float32 but got tour.complex64"),
        (lambda ctx, g: (g, 3.0), "expected Variable or None"),
    ],
)  # fmt: skip
def test_bad_gradients(x, w, backward, says):
    y = function(backward)(x, w)
    with pytest.raises(RuntimeError, match=says):
        (y + x + w).sum().backward()
    assert x.grad is None and w.grad is None


def test_gradients_are_summed_and_cast_to_their_inputs(x):
    function(lambda ctx, g: tour.ones(3, 2, dtype=tour.float64))(x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0] and x.grad.dtype is tour.float32


def test_a_gradient_for_what_is_no_tensor(x):
    with pytest.raises(RuntimeError, match="different than None at position 2"):
        function(lambda ctx, g: (g, g))(x, 3).sum().backward()
    function(lambda ctx, g: (g, None, None))(x, 3).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_forward_and_context(x):
    with pytest.raises(TypeError, match="save_for_backward can only save variables, but argument 1 is of type int"):
        function(None, lambda ctx, a: ctx.save_for_backward(a, 3))(x)
    with pytest.raises(RuntimeError, match="Legacy autograd function"):
        type("Old", (Function,), {})()(x)

    def forward(ctx, a):
        ctx.save_for_backward(a)
        ctx.save_for_forward(a)
        ctx.scale = 5
        return a * 5

    y = type(
        "Vjp", (Function,), {"forward": staticmethod(forward), "vjp": staticmethod(lambda ctx, g: g * ctx.scale)}
    ).apply(x)
    assert y.grad_fn.scale == 5 and y.grad_fn.saved_tensors[0].tolist() == [1.0, 2.0]
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        y.sum().grad_fn.other  # noqa: B018
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


@pytest.mark.parametrize("forward", [lambda ctx, a: a[:1], lambda ctx, a: a])
def test_writes_into_views_that_a_function_returns_are_refused(x, forward):
    h = x * 1
    y = function(lambda ctx, g: g, forward)(h)
    with pytest.raises(RuntimeError, match=r"view .*is being modified inplace"):
        y.mul_(3)


# --- Hooks and modes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hook, error, says",
    [
        (lambda g: 3, TypeError, "expected Variable, but hook returned 'int'"),
        (lambda g: tour.ones(3), RuntimeError, "hook '<lambda>' has changed the size of value"),
        (lambda g: g.double(), RuntimeError, "hook '<lambda>' has changed the type of value"),
    ],
)
def test_hooks_that_return_something_else(x, hook, error, says):
    for t in (x * 2, x):
        handle = t.register_hook(hook)
        with pytest.raises(error, match=says):
            (t * 3).sum().backward()
        handle.remove()
    assert x.grad is None


def test_hooks_of_the_end_of_the_tape_and_of_wanted_intermediates(x):
    log = []
    y = x * 3
    y.grad_fn.next_functions[0][0].register_hook(lambda inputs, outputs: log.append((inputs, outputs[0].tolist())))
    y.sum().backward()
    assert log == [((), [3.0, 3.0])]
    y = x * 2
    y.register_hook(lambda g: g * 7)
    assert [g.tolist() for g in grad(y.sum(), [x, y], retain_graph=True)] == [[14.0, 14.0], [1.0, 1.0]]
    assert grad(y.sum(), y)[0].tolist() == [7.0, 7.0]
    x.register_post_accumulate_grad_hook(lambda p: 3)
    with pytest.raises(TypeError, match="should return None"):
        x.sum().backward()


def test_a_generator_under_no_grad_stays_so_to_its_end():
    log = []

    @tour.no_grad()
    def steps():
        try:
            log.append((yield tour.is_grad_enabled()))
            yield 1
        except ValueError:
            yield tour.is_grad_enabled()
        finally:
            log.append(tour.is_grad_enabled())
        return 5

    running = steps()
    assert next(running) is False and tour.is_grad_enabled()
    assert running.send("sent") == 1
    assert running.throw(ValueError()) is False and tour.is_grad_enabled()
    running.close()
    assert log == ["sent", False] and tour.is_grad_enabled()


def test_inference_mode_is_of_the_thread_and_can_be_left():
    from threading import Thread

    seen = []
    with tour.inference_mode():
        with tour.inference_mode(False):
            assert (tour.is_inference_mode_enabled(), tour.is_grad_enabled()) == (False, True)
        thread = Thread(target=lambda: seen.append(tour.is_inference_mode_enabled()))
        thread.start()
        thread.join()
        assert tour.is_inference_mode_enabled()
    assert seen == [False]


def test_a_view_made_without_recording_is_not_written_into_with_it(x):
    with tour.no_grad():
        v = x[:1]
        v.mul_(1)
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
        v.mul_(2)


def test_variables_of_old(x):
    v = Variable(x, requires_grad=True)
    assert v is not x and v.is_leaf and isinstance(x, Variable) and not isinstance(3, Variable)
    assert not Variable(tour.ones(1)).requires_grad


def test_a_write_that_nobody_saw_can_be_counted(x):
    y = x.exp()
    tour.autograd.graph.increment_version(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
