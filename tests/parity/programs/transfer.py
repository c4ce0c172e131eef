"""Freeze a trained body, replace the head, train that alone; weights go through state_dict."""

import torch
import torch.nn as nn

torch.manual_seed(6)


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(10, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 20), nn.PReLU())
        self.classifier = nn.Linear(20, classes)

    def forward(self, x):
        return self.classifier(self.features(x))


def fit(model, x, y, steps):
    params = filter(lambda p: p.requires_grad, model.parameters())
    optimizer = torch.optim.SGD(params, lr=0.1, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


x = torch.randn(60, 10)
big = Net(5)
fit(big, x, torch.randint(5, (60,)), 10)
small = Net(2)
state = {k: v for k, v in big.state_dict().items() if not k.startswith("classifier")}
result = small.load_state_dict(state, strict=False)
assert sorted(result.missing_keys) == ["classifier.bias", "classifier.weight"]
for p in small.features.parameters():
    p.requires_grad = False
small.features.eval()
final = fit(small, x, (x.sum(1) > 0).long(), 15)
