"""Linear regression by hand, as in a first lesson: no module, no optimizer."""

import torch

torch.manual_seed(0)
x = torch.linspace(-1, 1, 50).reshape(-1, 1)
y = 3 * x + 0.5 + 0.1 * torch.randn(50, 1)
w = torch.zeros(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for epoch in range(100):
    loss = ((x * w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    w.grad.zero_()
    b.grad.zero_()
final = loss.item()
