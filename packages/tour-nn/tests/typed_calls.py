"""Read by mypy and pyright, not run: the comments say what they must reveal, or refuse."""

from typing import reveal_type

from tour import Tensor
from tour.nn.modules.container import ModuleDict, ModuleList, Sequential
from tour.nn.modules.module import Module


class Layer(Module):
    def forward(self, input: Tensor, scale: float = 1.0) -> Tensor:
        return input if scale else -input


class Recurrent(Module):
    def forward(self, input: Tensor) -> tuple[Tensor, int]:
        return input, 1


class Net(Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = ModuleList([Layer() for _ in range(3)])
        self.heads = ModuleDict({"a": Recurrent()})
        self.more = ModuleList()
        self.more.append(Layer())
        self.body: Sequential = Sequential(Layer(), Recurrent())

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def check(net: Net, any_module: Module, x: Tensor) -> None:
    reveal_type(net(x))  # "Tensor"
    reveal_type(Recurrent()(x))  # "tuple[Tensor, int]"
    reveal_type(net.layers[0](x))  # "Tensor"
    reveal_type(net.layers[:2])  # ModuleList[
    reveal_type(net.heads["a"](x)[1])  # "int"
    reveal_type(net.more[0](x))  # "Any"
    reveal_type(any_module(x, 3))  # "Any"
    reveal_type(net.train())  # Net"
    net(3)  # incompatible type "int"
    net(x, x)  # Too many arguments
    net.layers[0](x, scale="a")  # incompatible type "str"
    print(net.missing)  # has no attribute "missing"
