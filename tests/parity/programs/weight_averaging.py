"""Weights averaged over steps: EMA and SWA beside warm-up into a cosine; batch statistics taken anew."""

import copy

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(31)
x = torch.randn(96, 10)
y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0.5).long()
loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(7))
model = nn.Sequential(nn.Linear(10, 32, bias=False), nn.BatchNorm1d(32), nn.GELU(), nn.Dropout(0.1), nn.Linear(32, 3))
ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
swa = AveragedModel(model)
start = copy.deepcopy(model.state_dict())
decay = [p for p in model.parameters() if p.ndim >= 2]
rest = [p for p in model.parameters() if p.ndim < 2]
opt = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0, "lr": 2e-3}], lr=5e-3
)
sched = SequentialLR(
    opt, [LinearLR(opt, start_factor=0.1, total_iters=6), CosineAnnealingLR(opt, T_max=24)], milestones=[6]
)
swalr = SWALR(opt, swa_lr=1e-3, anneal_epochs=3, anneal_strategy="cos")
for epoch in range(6):
    for xb, yb in loader:
        opt.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(xb), yb, label_smoothing=0.1)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        ema.update_parameters(model)
        if epoch < 4:
            sched.step()
    if epoch >= 4:
        swa.update_parameters(model)
        swalr.step()
update_bn(loader, swa)
model.eval(), ema.eval(), swa.eval()
with torch.inference_mode():
    losses = [nn.functional.cross_entropy(m(x), y).item() for m in (model, ema, swa)]
moved = sum((v - start[k]).float().abs().sum().item() for k, v in model.state_dict().items())
final = sum(losses) + float(norm) + moved / 100 + sum(g["lr"] for g in opt.param_groups)
