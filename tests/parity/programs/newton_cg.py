"""Newton steps by conjugate gradients on Hessian-vector products; eigenvalue, trace, hvp and vhp."""

import torch
import torch.nn as nn
from torch.autograd.functional import hessian, hvp, jacobian, vhp

torch.manual_seed(45)
net = nn.Sequential(nn.Linear(3, 6), nn.Softplus(beta=2), nn.Linear(6, 1)).double()
x = torch.randn(40, 3, dtype=torch.float64)
y = x.prod(1, keepdim=True)
params = list(net.parameters())


def flat(tensors):
    return torch.cat([t.contiguous().view(-1) for t in tensors])


def product(v, damping=1.0):
    loss = nn.functional.mse_loss(net(x), y)
    g = flat(torch.autograd.grad(loss, params, create_graph=True))
    return flat(torch.autograd.grad((g * v).sum(), params, retain_graph=False)) + damping * v


def cg(A, b, n=10, tol=1e-10):
    x = torch.zeros_like(b)
    r, p = b.clone(), b.clone()
    rs = torch.dot(r, r)
    for _ in range(n):
        Ap = A(p)
        alpha = rs / torch.dot(p, Ap)
        x += alpha * p
        r -= alpha * Ap
        new = r @ r
        if new.sqrt() < tol:
            break
        p = r + (new / rs) * p
        rs = new
    return x


for _ in range(5):
    loss = nn.functional.mse_loss(net(x), y)
    g = flat(torch.autograd.grad(loss, params))
    direction = cg(product, -g)
    start = 0
    with torch.no_grad():
        for p in params:
            p.add_(direction[start : start + p.numel()].view_as(p))
            start += p.numel()
v = torch.nn.functional.normalize(torch.ones(start, dtype=torch.float64), dim=0)
for _ in range(20):
    w = product(v, 0.0)
    top, v = v @ w, w / w.norm()
signs = torch.randint(0, 2, (8, start)).double() * 2 - 1
trace = torch.stack([s @ product(s, 0.0) for s in signs]).mean()


def energy(a):
    return (a.sin() * a.cumprod(0)).sum() + a.pow(3).sum()


a = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
H = hessian(energy, a)
_, hv = hvp(energy, a, torch.ones_like(a))
_, vh = vhp(energy, a, torch.ones_like(a))
J = jacobian(lambda a: torch.outer(a, a).tril().sum(0), a, create_graph=True)
final = (loss + top + trace + H.sum() + hv[0] + vh[1] + J.sum()).item()
