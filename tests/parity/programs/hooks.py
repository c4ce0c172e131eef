"""Watch a network by hooks: activations, gradients, gradient scaling, and a hook on a tensor."""

import torch
from torch import nn

torch.manual_seed(4)
net = nn.Sequential(nn.Linear(6, 12), nn.SiLU(), nn.Linear(12, 12), nn.Softplus(), nn.Linear(12, 2))
seen = {}


def keep(name):
    def hook(module, inputs, output):
        seen[name] = output.detach().abs().mean().item()

    return hook


handles = [m.register_forward_hook(keep(n)) for n, m in net.named_children()]
net[2].register_full_backward_hook(lambda m, gi, go: (gi[0] * 0.5,))
net[0].weight.register_hook(lambda g: g.clamp(-0.1, 0.1))
opt = torch.optim.Adagrad(net.parameters(), lr=0.05)
x, y = torch.randn(30, 6), torch.randn(30, 2)
for _ in range(20):
    opt.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    opt.step()
for h in handles:
    h.remove()
final = loss.item() + sum(seen.values())
