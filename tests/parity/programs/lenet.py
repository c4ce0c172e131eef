"""A LeNet with SGD and momentum on the digits, padded to 12×12."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(7)
images = np.pad(load_digits().images.astype(np.float32) / 16, ((0, 0), (2, 2), (2, 2)))
x, y = torch.from_numpy(images[:320, None]), torch.as_tensor(load_digits().target[:320])
lenet = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5, padding=2),
    nn.Tanh(),
    nn.AvgPool2d(2),
    nn.Conv2d(6, 16, kernel_size=3),
    nn.Tanh(),
    nn.MaxPool2d(2, stride=2),
    nn.Flatten(),
    nn.Linear(64, 32),
    nn.Tanh(),
    nn.Linear(32, 10),
)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
opt = torch.optim.SGD(lenet.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)
for _ in range(2):
    for xb, yb in zip(x.split(64), y.split(64)):
        opt.zero_grad(set_to_none=True)
        loss = criterion(lenet(xb), yb)
        loss.backward()
        opt.step()
final = float(loss)
