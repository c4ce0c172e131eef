"""A neural ordinary differential equation through Runge-Kutta steps; the spiral, in double precision."""

import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(14)
A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
t = torch.linspace(0, 3, 20)


def rk4(f, y, t):
    ys = [y]
    for t0, t1 in zip(t[:-1], t[1:]):
        h = t1 - t0
        k1 = f(y)
        k2 = f(y + h / 2 * k1)
        k3 = f(y + h / 2 * k2)
        k4 = f(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        ys.append(y)
    return torch.stack(ys)


true = rk4(lambda y: (y**3) @ A, torch.tensor([[2.0, 0.0]]), t)
func = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 2))
for m in func.modules():
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, mean=0, std=0.1)
        nn.init.constant_(m.bias, val=0)
opt = torch.optim.RMSprop(func.parameters(), lr=1e-3)
for _ in range(8):
    opt.zero_grad()
    loss = torch.mean(torch.abs(rk4(lambda y: func(y**3), true[0], t) - true))
    loss.backward()
    opt.step()
torch.set_default_dtype(torch.float32)
final = loss.item()
