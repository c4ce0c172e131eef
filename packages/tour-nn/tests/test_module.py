"""Registration, attributes, traversal, modes, copies and printing of modules."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import pytest

import tour
from tour import nn
from tour.nn.modules.container import Sequential
from tour.nn.modules.module import (
    Module,
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from tour.nn.parameter import Buffer, Parameter


class Scale(Module):
    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = Parameter(tour.tensor([factor, factor]))
        self.register_buffer("count", tour.zeros(1))
        self.register_buffer("scratch", tour.zeros(1), persistent=False)

    def forward(self, x: Any) -> Any:
        return x * self.factor

    def extra_repr(self) -> str:
        return "scale"


class Net(Module):
    """Shares a module and a parameter, holds Nones and a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Scale()
        self.body = Sequential(self.first, Scale(3.0))
        self.shared = self.first.factor
        self.hidden = [Scale()]
        self.add_module("nothing", None)
        self.register_parameter("no_parameter", None)
        self.register_buffer("no_buffer", None)


# --- Attributes -------------------------------------------------------------------------------------------------------


def test_values_stand_in_dict_and_registry() -> None:
    net = Net()
    assert net.__dict__["first"] is net._modules["first"] is net.first
    assert net.first.__dict__["factor"] is net.first._parameters["factor"]
    assert net.first.__dict__["count"] is net.first._buffers["count"]
    assert net.nothing is None and net.no_parameter is None and net.no_buffer is None


def test_writes_to_registries_show_in_attributes() -> None:
    m, p = Scale(), Parameter(tour.zeros(3))
    m._parameters["factor"] = p
    assert m.factor is p
    m._parameters["other"] = p
    assert m.other is p
    del m._parameters["factor"]
    assert not hasattr(m, "factor")
    m._buffers["count"] = tour.ones(4)
    assert m.count.shape == (4,)
    m._modules["child"] = Scale()
    assert isinstance(m.child, Scale)
    m._modules.pop("child")
    assert not hasattr(m, "child")
    m._parameters.clear()
    assert not hasattr(m, "other")
    m._parameters.update(a=p)
    assert m._parameters.setdefault("b", p) is m.b is m.a is p
    assert list(reversed(m._parameters)) == ["b", "a"]
    assert m._parameters.copy() == {"a": p, "b": p} and repr(m._parameters) == repr({"a": p, "b": p})


def test_a_registry_can_be_replaced() -> None:
    m = Scale()
    m._parameters = OrderedDict(other=Parameter(tour.ones(1)))  # type: ignore[assignment]
    assert not hasattr(m, "factor") and m.other is m._parameters["other"]


def test_assignment_moves_a_name_between_roles() -> None:
    m = Module()
    m.x = 3
    m.x = Parameter(tour.ones(1))
    assert list(m._parameters) == ["x"]
    m.x = None
    assert m._parameters == {"x": None}
    del m.x
    m.x = tour.ones(1)
    assert not m._parameters and not m._buffers
    m.x = Module()
    assert list(m._modules) == ["x"]
    m.x = Parameter(tour.ones(1))
    assert not m._modules and list(m._parameters) == ["x"]


def test_buffers_keep_their_persistence() -> None:
    m = Scale()
    m.scratch = tour.ones(2)
    assert "scratch" not in m.state_dict()
    m.scratch = Buffer(tour.ones(2))
    assert "scratch" in m.state_dict()
    m.late = Buffer(tour.ones(1), persistent=False)
    assert m._non_persistent_buffers_set == {"late"}
    del m.late
    assert m._non_persistent_buffers_set == set() and "late" not in m._buffers


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("factor", 3, "cannot assign 'int' as parameter 'factor' (tour.nn.Parameter or None expected)"),
        ("factor", tour.ones(2), "cannot assign 'tour.Tensor' as parameter 'factor' (tour.nn.Parameter or None"),
        ("child", 3, "cannot assign 'int' as child module 'child' (tour.nn.Module or None expected)"),
        ("count", 3, "cannot assign 'int' as buffer 'count' (tour.nn.Buffer, tour.Tensor or None expected)"),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_changes(name: str, value: Any, message: str) -> None:
    m = Scale()
    m.child = Scale()
    before = getattr(m, name)
    with pytest.raises(TypeError) as info:
        setattr(m, name, value)
    assert message in str(info.value)
    assert getattr(m, name) is before


@pytest.mark.parametrize("register", ["register_parameter", "register_buffer", "add_module", "register_module"])
@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("", KeyError, "empty"),
        ("a.b", KeyError, r'contain "\."'),
        (3, TypeError, "string"),
        ("train", KeyError, "exists"),
    ],
)
def test_bad_names(register: str, name: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        getattr(Module(), register)(name, None)


def test_bad_values_to_register() -> None:
    m = Module()
    with pytest.raises(TypeError, match=r"cannot assign 'int' object to parameter 'p' \(tour.nn.Parameter or None"):
        m.register_parameter("p", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"cannot assign 'int' object to buffer 'b' \(tour Tensor or None required\)"):
        m.register_buffer("b", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"test_module.Scale is not a Module subclass"):
        m.add_module("m", Scale)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [Parameter(tour.ones(1)), Buffer(tour.ones(1)), Module()])
def test_a_forgotten_super_init_says_so(value: Any) -> None:
    class Forgetful(Module):
        def __init__(self) -> None:
            self.x = value

    with pytest.raises(
        AttributeError, match=r"before Module.__init__\(\) call: Forgetful.__init__ must begin with super"
    ):
        Forgetful()


@pytest.mark.parametrize("use", [repr, Module.train, Module.state_dict, lambda m: list(m.parameters()), Module.float])
def test_a_forgotten_super_init_says_so_in_use(use: Any) -> None:
    class Forgetful(Module):
        def __init__(self) -> None:
            self.x = 1

    with pytest.raises(AttributeError, match=r"Forgetful.__init__ must begin with super\(\).__init__\(\)"):
        use(Forgetful())


def test_missing_attributes() -> None:
    with pytest.raises(AttributeError, match="'Scale' object has no attribute 'factr'"):
        Scale().factr  # noqa: B018
    with pytest.raises(AttributeError, match="'Scale' object has no attribute 'factr'"):
        del Scale().factr


def test_an_attribute_error_inside_a_property_is_not_hidden() -> None:
    class Broken(Module):
        @property
        def x(self) -> Any:
            return self.missing

    with pytest.raises(AttributeError, match="missing"):
        Broken().x  # noqa: B018


def test_a_wrapper_may_define_getattr() -> None:
    class Wrapper(Module):
        def __init__(self, inner: Module) -> None:
            super().__init__()
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)  # type: ignore[misc]
            except AttributeError:
                return getattr(self.inner, name)

    assert Wrapper(Scale()).factor.shape == (2,)


def test_constructor_arguments() -> None:
    with pytest.raises(TypeError, match=r"Module.__init__\(\) got an unexpected keyword argument 'a'"):
        Module(a=1)
    with pytest.raises(TypeError, match=r"Module.__init__\(\) takes 1 positional argument but 3 were given"):
        Module(1, 2)

    class Base:
        def __init__(self, k: int) -> None:
            self.k = k

    class Both(Module, Base):
        call_super_init = True

    assert Both(k=5).k == 5


def test_init_keeps_plain_attributes_and_forgets_parameters() -> None:
    class Twice(Module):
        def __init__(self) -> None:
            self.early = 3
            super().__init__()
            self.w = Parameter(tour.ones(1))
            Module.__init__(self)

    m = Twice()
    assert m.early == 3 and not hasattr(m, "w") and not list(m.parameters())


@pytest.mark.parametrize(
    "layer", [nn.Linear(2, 2, bias=False), nn.Conv2d(2, 2, 1, bias=False), nn.LayerNorm(2, bias=False)], ids=repr
)
def test_a_parameter_that_was_not_wanted_is_registered_as_none(layer: Module) -> None:
    assert list(layer._parameters) == ["weight", "bias"] and layer._parameters["bias"] is None
    assert [name for name, _ in layer.named_parameters()] == list(layer.state_dict()) == ["weight"]


def test_dir() -> None:
    names = dir(Sequential(Scale()))
    assert "forward" in names and "training" in names and "0" not in names
    assert {"first", "shared", "hidden", "nothing"} <= set(dir(Net()))


def test_registration_hooks() -> None:
    seen: list[tuple[Any, ...]] = []
    handles = [
        register_module_parameter_registration_hook(lambda m, name, p: seen.append(("p", name))),
        register_module_buffer_registration_hook(lambda m, name, b: seen.append(("b", name))),
        register_module_module_registration_hook(lambda m, name, c: seen.append(("m", name))),
    ]
    net = Sequential(Scale())
    net.p = None
    for handle in handles:
        handle.remove()
    net.more = Scale()
    assert seen == [("p", "factor"), ("b", "count"), ("b", "scratch"), ("m", "0")]
    with register_module_parameter_registration_hook(lambda m, name, p: Parameter(p.detach() * 10)):
        assert Scale().factor.tolist() == [20, 20]


# --- Traversal --------------------------------------------------------------------------------------------------------


def test_names() -> None:
    net = Net()

    def names(items: Any) -> list[str]:
        return [name for name, _ in items]

    assert names(net.named_parameters()) == ["shared", "body.1.factor"]
    assert names(net.named_parameters("p", recurse=False)) == ["p.shared"]
    assert names(net.named_parameters(remove_duplicate=False)) == [
        *("shared", "first.factor", "body.0.factor", "body.1.factor")
    ]
    assert names(net.named_buffers()) == ["first.count", "first.scratch", "body.1.count", "body.1.scratch"]
    assert names(net.named_modules()) == ["", "first", "body", "body.1"]
    assert names(net.named_modules(prefix="n", remove_duplicate=False)) == [
        *("n", "n.first", "n.body", "n.body.0", "n.body.1")
    ]
    assert names(net.named_modules(memo={net.first})) == ["", "body", "body.1"]
    assert names(net.named_children()) == ["first", "body"]
    assert [type(m).__name__ for m in net.children()] == ["Scale", "Sequential"]
    assert len(list(net.modules())) == 4 and len(list(net.modules(remove_duplicate=False))) == 5
    assert len(list(net.parameters())) == 2 and len(list(net.buffers())) == 4


def test_apply() -> None:
    seen: list[Module] = []
    net = Net()
    assert net.apply(seen.append) is net
    assert seen == [net.first, net.body[0], net.body[1], net.body, net]


def test_get_by_path() -> None:
    net = Net()
    assert net.get_submodule("") is net and net.get_submodule("body.1") is net.body[1]
    assert net.get_parameter("body.1.factor") is net.body[1].factor
    assert net.get_buffer("first.count") is net.first.count
    for get, path, message in [
        (net.get_submodule, "body.2", "Sequential has no attribute `2`; its submodules: `0`, `1`"),
        (net.get_submodule, "first.factor", "`factor` is not an nn.Module"),
        (net.get_parameter, "first.weight", "Scale has no attribute `weight`; its parameters: `factor`"),
        (net.get_parameter, "first", "`first` is not an nn.Parameter"),
        (net.get_buffer, "first.factor", "`factor` is not a buffer"),
        (net.get_buffer, "first.mean", "Scale has no attribute `mean`; its buffers: `count`, `scratch`"),
    ]:
        with pytest.raises(AttributeError) as info:
            get(path)
        assert str(info.value) == message


def test_set_by_path() -> None:
    net = Net()
    new = Scale()
    net.set_submodule("body.1", new)
    net.set_submodule("body.2", new)
    assert net.body[1] is net.body[2] is new
    with pytest.raises(AttributeError, match="Sequential has no attribute `3`"):
        net.set_submodule("body.3", new, strict=True)
    with pytest.raises(AttributeError, match=r"`factor` is not an nn.Module"):
        net.set_submodule("first.factor", new)
    with pytest.raises(ValueError, match="without a target name"):
        net.set_submodule("", new)
    with pytest.raises(ValueError, match=r"`module` is not an nn.Module, found <class 'int'>"):
        net.set_submodule("first", 3)  # type: ignore[arg-type]


# --- Modes, gradients, conversion -------------------------------------------------------------------------------------


def test_train_and_eval() -> None:
    net = Net()
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train(1)  # type: ignore[arg-type]


def test_requires_grad() -> None:
    net = Net()
    assert net.requires_grad_(False) is net and not any(p.requires_grad for p in net.parameters())
    assert all(p.requires_grad for p in net.requires_grad_().parameters())


def test_zero_grad() -> None:
    m = Scale()
    m(tour.ones(2)).sum().backward()
    m.zero_grad(set_to_none=False)
    assert m.factor.grad is not None and m.factor.grad.tolist() == [0, 0]
    m.zero_grad()
    assert m.factor.grad is None


def test_conversion_keeps_parameters_and_integers() -> None:
    m = Scale()
    m.register_buffer("steps", tour.ones(1, dtype=tour.int64))
    p = m.factor
    m(tour.ones(2)).sum().backward()
    assert m.double() is m and m.factor is p
    assert (p.dtype, m.count.dtype, m.steps.dtype, p.grad.dtype) == (  # type: ignore[union-attr]
        *(tour.float64, tour.float64, tour.int64, tour.float64),
    )
    for convert, dtype in [(m.half, tour.float16), (m.bfloat16, tour.bfloat16), (m.float, tour.float32)]:
        convert()
        assert m.factor.dtype is dtype
    assert p.requires_grad and p.is_leaf and type(p) is Parameter
    assert m.cpu().factor is p


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((tour.float64,), {}),
        (("cpu", tour.float64), {}),
        (("cpu", tour.float64, True), {}),
        ((tour.ones(1, dtype=tour.float64),), {}),
        ((), {"dtype": tour.float64}),
        ((), {"device": "cpu", "dtype": tour.float64, "non_blocking": True}),
        ((tour.device("cpu"),), {"dtype": tour.float64}),
        ((), {"tensor": tour.ones(1, dtype=tour.float64)}),
    ],
)
def test_forms_of_to(args: Any, kwargs: Any) -> None:
    assert Scale().to(*args, **kwargs).factor.dtype is tour.float64


def test_bad_forms_of_to() -> None:
    with pytest.raises(
        TypeError, match=r"only accepts floating point or complex dtypes, but got desired dtype=tour.int64"
    ):
        Scale().to(tour.int64)
    with pytest.raises(TypeError, match="foo"):
        Scale().to(foo=1)  # type: ignore[call-arg]
    with pytest.warns(UserWarning, match="Complex modules"):
        assert Scale().to(tour.complex64).factor.dtype is tour.complex64


def test_to_empty() -> None:
    m = Scale().to_empty(device="cpu")
    assert m.factor.shape == (2,) and m.factor.requires_grad


# --- Copies, pickles, printing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_deep_copies_keep_what_is_shared(clone: Any) -> None:
    net = Net().eval()
    made = clone(net)
    assert made.shared is made.first.factor is made.first._parameters["factor"] is made.body[0].factor
    assert made.first is made.body[0] and made.first is not net.first
    assert made.first.factor.tolist() == [2, 2] and made.first.factor is not net.first.factor
    assert made.first._non_persistent_buffers_set == {"scratch"} and not made.training
    made.first.factor = Parameter(tour.ones(1))
    assert made.first._parameters["factor"] is made.first.factor and repr(made) == repr(net)


def test_a_shallow_copy_shares_values_but_not_registries() -> None:
    m = Scale()
    made = copy.copy(m)
    assert made.factor is m.factor and made._buffers["count"] is m.count
    made.factor = Parameter(tour.zeros(1))
    assert m.factor.tolist() == [2, 2]


def test_state_without_attributes_is_restored_from_the_registries() -> None:
    m = Scale.__new__(Scale)
    p = Parameter(tour.ones(1))
    m.__setstate__({"_parameters": {"factor": p}})
    assert m.factor is p and m.training and not m._buffers


def test_tree_print() -> None:
    class Text(Module):
        def __init__(self, text: str, *children: Module) -> None:
            super().__init__()
            self.text = text
            for i, child in enumerate(children):
                self.add_module(f"c{i}", child)

        def extra_repr(self) -> str:
            return self.text

    assert repr(Module()) == "Module()"
    assert repr(Text("a")) == "Text(a)"
    assert repr(Text("a\nb")) == "Text(\n  a\n  b\n)"
    assert repr(Text("", Text("a\nb"), Module())) == "Text(\n  (c0): Text(\n    a\n    b\n  )\n  (c1): Module()\n)"
    assert repr(Text("a", Module())) == "Text(\n  a\n  (c0): Module()\n)"
    assert repr(Net()).splitlines()[-1:] == [")"] and "(nothing): None" in repr(Net())
