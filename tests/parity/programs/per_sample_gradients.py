"""Gradients of each sample by functional transforms, clipped and averaged, as in private learning."""

import torch
import torch.nn as nn
from torch.func import functional_call, grad, vmap

torch.manual_seed(22)
net = nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 3))
x, y = torch.randn(24, 5), torch.randint(0, 3, (24,))


def loss_of(params, sample, target):
    out = functional_call(net, params, (sample.unsqueeze(0),))
    return nn.functional.cross_entropy(out, target.unsqueeze(0))


for _ in range(10):
    params = {k: v.detach() for k, v in net.named_parameters()}
    grads = vmap(grad(loss_of), in_dims=(None, 0, 0))(params, x, y)
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in grads.values()]).norm(dim=0)
    scale = (0.5 / norms).clamp(max=1)
    with torch.no_grad():
        for name, p in net.named_parameters():
            g = grads[name]
            p -= 0.5 * (g * scale.view(-1, *[1] * (g.dim() - 1))).mean(0)
final = nn.functional.cross_entropy(net(x), y).item()
