"""One step of MAML: gradients through an inner gradient step, by autograd.grad with create_graph."""

import torch
import torch.nn.functional as F

torch.manual_seed(12)
w1, b1 = torch.randn(16, 1).requires_grad_(), torch.zeros(16, requires_grad=True)
w2, b2 = (torch.randn(1, 16) * 0.25).requires_grad_(), torch.zeros(1, requires_grad=True)
params = [w1, b1, w2, b2]


def net(x, p):
    return F.linear(torch.tanh(F.linear(x, p[0], p[1])), p[2], p[3])


meta = torch.optim.Adam(params, lr=1e-2)
for iteration in range(12):
    outer = 0
    for task in range(3):
        phase = torch.rand(1) * 3
        x = torch.rand(10, 1) * 6 - 3
        y = torch.sin(x + phase)
        inner = F.mse_loss(net(x[:5], params), y[:5])
        grads = torch.autograd.grad(inner, params, create_graph=True)
        fast = [p - 0.05 * g for p, g in zip(params, grads)]
        outer = outer + F.mse_loss(net(x[5:], fast), y[5:])
    meta.zero_grad()
    outer.backward()
    meta.step()
final = outer.item()
