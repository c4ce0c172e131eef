"""An optimizer and a schedule of one's own: Lion and Noam, with groups, hooks, closures, saved and loaded."""

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


class Lion(Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["step"] = 0
                    state["exp_avg"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                state["step"] += 1
                beta1, beta2 = group["betas"]
                p.data.mul_(1 - group["lr"] * group["weight_decay"])
                update = state["exp_avg"] * beta1 + p.grad * (1 - beta1)
                p.add_(update.sign(), alpha=-group["lr"])
                state["exp_avg"].mul_(beta2).add_(p.grad, alpha=1 - beta2)
        return loss


class Noam(LRScheduler):
    def __init__(self, optimizer, warmup, last_epoch=-1):
        self.warmup = warmup
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        step = max(self.last_epoch, 1)
        return [base * min(step**-0.5, step * self.warmup**-1.5) for base in self.base_lrs]


torch.manual_seed(43)
body, head = nn.Sequential(nn.Linear(5, 16), nn.CELU()), nn.Linear(16, 2)
opt = Lion(body.parameters(), lr=2e-2, weight_decay=0.01)
opt.add_param_group({"params": head.parameters(), "lr": 4e-2, "betas": (0.8, 0.95)})
steps, seen = [], []
handle = opt.register_step_post_hook(lambda o, args, kwargs: steps.append(o.param_groups[0]["lr"]))
opt.register_step_pre_hook(lambda o, args, kwargs: seen.append(len(args)))
sched = Noam(opt, warmup=6)
x, y = torch.randn(50, 5), torch.randn(50, 2)


def closure():
    opt.zero_grad()
    loss = nn.functional.mse_loss(head(body(x)), y)
    loss.backward()
    return loss


for _ in range(10):
    loss = opt.step(closure)
    sched.step()
saved, rate = opt.state_dict(), sched.state_dict()
other = Lion([{"params": body.parameters()}, {"params": head.parameters()}], lr=1.0)
other.load_state_dict(saved)
again = Noam(other, warmup=6)
again.load_state_dict(rate)
handle.remove()
for _ in range(5):
    other.zero_grad()
    loss = nn.functional.mse_loss(head(body(x)), y)
    loss.backward()
    other.step()
    again.step()
final = loss.item() + sum(steps) + again.get_last_lr()[1] + other.state[head.weight]["step"]
assert repr(opt).startswith("Lion (")
