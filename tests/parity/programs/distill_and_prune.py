"""Knowledge distilled into a small network, which is pruned, by layers and globally, and trained on."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import prune

torch.manual_seed(41)
teacher = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 5))
student = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 5))
x = torch.randn(128, 8)
y = (x @ torch.randn(8, 5)).argmax(1)
opt = torch.optim.Adam(teacher.parameters(), lr=1e-2)
for _ in range(20):
    opt.zero_grad()
    F.cross_entropy(teacher(x), y).backward()
    opt.step()
teacher.eval()
for p in teacher.parameters():
    p.requires_grad = False


def distil(logits, targets, T=3.0, alpha=0.7):
    with torch.no_grad():
        soft = F.softmax(teacher(x) / T, dim=1)
    kl = nn.KLDivLoss(reduction="batchmean")(F.log_softmax(logits / T, dim=1), soft)
    return alpha * T * T * kl + (1 - alpha) * F.cross_entropy(logits, targets)


def train(n, lr):
    opt = torch.optim.RMSprop([p for p in student.parameters() if p.requires_grad], lr=lr, centered=True, momentum=0.5)
    for _ in range(n):
        opt.zero_grad()
        loss = distil(student(x), y)
        loss.backward()
        opt.step()
    return loss


before = train(15, 2e-3)
prune.l1_unstructured(student[0], "weight", amount=0.3)
prune.ln_structured(student[2], name="weight", amount=2, n=2, dim=0)
prune.random_unstructured(student[4], "weight", amount=0.2)
after = train(10, 1e-3)
prune.global_unstructured(
    [(m, "weight") for m in student if isinstance(m, nn.Linear)], pruning_method=prune.L1Unstructured, amount=0.3
)
last = train(10, 1e-3)
assert prune.is_pruned(student)
for m in student:
    if isinstance(m, nn.Linear):
        prune.remove(m, "weight")
zeros = sum((p == 0).sum().item() for p in student.parameters())
final = before.item() + after.item() + last.item() + zeros + F.cross_entropy(student(x), y).item()
