"""An ensemble trained at once by vmap over stacked weights; Jacobians and Hessians of one member."""

import copy

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap

torch.manual_seed(34)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 8), nn.Linear(8, 3)
        self.register_buffer("shift", torch.randn(4))

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x - self.shift)))


models = [Net() for _ in range(5)]
params, buffers = stack_module_state(models)
base = copy.deepcopy(models[0])
x, y = torch.randn(5, 32, 4), torch.randint(0, 3, (5, 32))


def loss_fn(params, buffers, x, y):
    logits = functional_call(base, (params, buffers), (x,))
    return nn.functional.cross_entropy(logits, y), logits


step = vmap(grad_and_value(loss_fn, has_aux=True), in_dims=(0, 0, 0, 0))
momentum = {k: torch.zeros_like(v) for k, v in params.items()}
for _ in range(15):
    grads, (loss, logits) = step(params, buffers, x, y)
    momentum = {k: 0.9 * momentum[k] + g for k, g in grads.items()}
    params = {k: (p - 0.05 * momentum[k]).detach() for k, p in params.items()}
accuracy = (logits.argmax(-1) == y).float().mean(1)

single = {k: v[0] for k, v in params.items()}, {k: v[0] for k, v in buffers.items()}


def f(point):
    return functional_call(base, single, (point,)).log_softmax(-1)


point = x[0, 0]
forward, reverse = jacfwd(f)(point), jacrev(f)(point)
batched = vmap(jacrev(f))(x[0])
curved = hessian(lambda p: torch.tanh(f(p)).square().sum())(point)
_, pulled = jvp(f, (point,), (torch.ones(4),))
_, back = vjp(f, point)
final = loss.sum() + accuracy.sum() + (forward - reverse).abs().sum() + batched.abs().mean() + curved.abs().sum()
final = final + pulled.sum() + back(torch.arange(3.0))[0].sum()
final = final.item()
