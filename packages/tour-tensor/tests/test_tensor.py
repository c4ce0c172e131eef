"""The tensor itself: copies, pickles, memory, questions."""

from __future__ import annotations

import copy
import pickle

import pytest

import tour


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float8_e4m3fn", "complex64", "int64", "bool"])
def test_copies_and_pickles(name):
    t = tour.tensor([[1, 0], [0, 1]], dtype=getattr(tour, name))
    for made in (copy.deepcopy(t), pickle.loads(pickle.dumps(t)), pickle.loads(pickle.dumps(t, 2))):
        assert (
            made.dtype is t.dtype and made.float().tolist() == t.float().tolist()
            if name != "complex64"
            else made.equal(t)
        )
        assert made.data_ptr() != t.data_ptr()
    assert copy.copy(t).data_ptr() == t.data_ptr()


def test_one_copy_per_tensor():
    t = tour.ones(2)
    first, second = copy.deepcopy([t, t])
    assert first is second


def test_subclasses_keep_what_they_add():
    assert type(copy.deepcopy(Named.make())) is Named
    assert copy.deepcopy(Named.make()).name == pickle.loads(pickle.dumps(Named.make())).name == "x"


class Named(tour.Tensor):
    @classmethod
    def make(cls):
        t = cls(2)
        t.name = "x"
        return t


def test_memory():
    t = tour.arange(6.0).reshape(2, 3)
    assert t[1].storage_offset() == 3 and t[1].untyped_storage() == t.untyped_storage()
    assert t.untyped_storage().nbytes() == 24 == len(t.storage())
    assert t.dim_order() == (0, 1) and t.t().dim_order() == (1, 0)
    assert t.is_set_to(t.view(2, 3)) and not t.is_set_to(t.clone())
    assert t.share_memory_() is t.pin_memory() is t and not t.is_shared() and not t.is_pinned()
    assert t.is_cpu and not (t.is_sparse or t.is_quantized or t.is_meta) and t.layout is tour.strided


def test_elements_by_python_functions():
    t = tour.arange(3)
    assert t.apply_(lambda v: v * 2) is t and t.tolist() == [0, 2, 4]
    assert t.map_(tour.tensor([1]), lambda v, w: v + w).tolist() == [1, 3, 5]


def test_questions():
    t = tour.zeros(2, 3)
    assert tour.is_tensor(t) and not tour.is_tensor(0) and tour.is_storage(t.storage())
    assert tour.numel(t) == t.nelement() == 6 and t.ndimension() == 2 and t.get_device() == -1
    assert (
        tour.is_floating_point(t)
        and not tour.is_complex(t)
        and tour.is_signed(t)
        and not tour.is_nonzero(tour.tensor(0))
    )
    assert tour.typename(t) == "tour.FloatTensor" and tour.typename([]) == "list"
    with pytest.raises(RuntimeError, match="more than one value is ambiguous"):
        tour.is_nonzero(t)


def test_threads():
    before = tour.get_num_threads()
    tour.set_num_threads(1)
    assert tour.get_num_threads() == 1 <= before
    with pytest.raises(RuntimeError, match="positive"):
        tour.set_num_threads(0)


JUNK = [2.5, "a", None, 1j, object(), tour.float64, {}]


@pytest.mark.parametrize(
    "name", sorted(name for name in dir(tour.Tensor) if name.endswith("_") and not name.startswith("_"))
)
def test_a_failed_write_leaves_the_tensor_untouched(name):
    """And raises what PyTorch raises, also for arguments of the wrong type."""
    if name in ("requires_grad_", "detach_", "share_memory_"):
        return
    arguments = [(), *((x,) for x in JUNK), (tour.ones(7),), (tour.ones(5, 2, 3),), (tour.tensor([1j]),), (0, 9), (9,), ((5, 5),),
                 (0, tour.tensor([9]), tour.ones(1, 3)), (0, tour.tensor([[9]]), 1.0), (tour.tensor([99]), tour.ones(1)),
                 (tour.tensor([True]), "x"), (tour.tensor([True]), 5.0), ((tour.tensor([0, 5]),), tour.tensor(1.0))]  # fmt: skip
    for make in (
        tour.arange(6.0).reshape(2, 3).clone,
        lambda: tour.ones(2, 3) > 0,
        lambda: tour.ones(2, 1).expand(2, 3),
    ):
        for given in arguments:
            t = make()
            before = t.tolist(), t.shape, t.dtype, t.stride()
            try:
                getattr(t, name)(*given)
            except (RuntimeError, TypeError, IndexError, ValueError):
                assert (t.tolist(), t.shape, t.dtype, t.stride()) == before


CALLS = {
    "sum": (), "exp": (), "reshape": ((1,),), "permute": ((0,),), "clone": (), "softmax": (0,), "celu": (), "exp_": (), "t": (),
    "permute_copy": ((0,),), "zeros_like": (), "logit": (), "prelu": (tour.ones(1),), "masked_fill": (tour.ones(1) > 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("x", JUNK, ids=lambda x: type(x).__name__)
def test_what_is_no_tensor_is_refused_by_type(name, x):
    with pytest.raises(TypeError):
        getattr(tour, name)(x, *CALLS[name])


def test_membership_and_reversal_look_at_elements_and_rows():
    x = tour.tensor([[1, 2], [3, 4]])
    assert 3 in x
    assert 5 not in x
    assert tour.tensor(4) in x
    assert reversed(x).tolist() == [[3, 4], [1, 2]]
    with pytest.raises(RuntimeError, match="supports Tensor or scalar"):
        "a" in x  # noqa: B015


def test_a_subclass_shares_memory():
    class Image(tour.Tensor):
        pass

    x = tour.zeros(2)
    image = x.as_subclass(Image)
    image += 1
    assert (type(image), x.tolist()) == (Image, [1, 1])
    with pytest.raises(TypeError, match="inherits from Tensor"):
        x.as_subclass(int)


def test_functions_are_mapped_over_elements():
    x = tour.tensor([1.0, 2.0])
    assert x.map2_(tour.tensor([10.0, 20.0]), tour.tensor(5.0), lambda t, a, b: t + a * b).tolist() == [51, 102]
    assert x.map_(tour.tensor(2.0), lambda t, a: t / a).tolist() == [25.5, 51]
    assert x.apply_(int).tolist() == [25, 51]


def test_memory_of_files(tmp_path):
    path = tmp_path / "numbers"
    with pytest.raises(FileNotFoundError):
        tour.from_file(path, size=2)
    shared = tour.from_file(path, shared=True, size=2, dtype=tour.int32)
    shared += 7
    private = tour.from_file(path, size=2, dtype=tour.int32)
    assert private.tolist() == [7, 7]
    private.zero_()
    assert tour.from_file(path, size=2, dtype=tour.int32).tolist() == [7, 7]
    with pytest.raises(RuntimeError, match="bytes"):
        tour.from_file(path, size=3, dtype=tour.int32)
    assert tour.from_file(path, size=0).shape == (0,)


def test_capsules_and_devices():
    x = tour.arange(3)
    assert tour.from_dlpack(tour.to_dlpack(x)).tolist() == [0, 1, 2]
    assert tour.get_device(x) == x.get_device() == -1
    z = tour.view_as_complex_copy(tour.ones(2, 2))
    assert tour.view_as_real_copy(z).tolist() == [[1, 1], [1, 1]]
