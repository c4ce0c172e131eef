"""A support vector machine with hinge loss and numpy at both ends."""

import numpy as np
import torch
from sklearn.datasets import load_iris

torch.manual_seed(21)
X, Y = load_iris(return_X_y=True)
X = (X - X.mean()) / X.std()
Y = np.where(Y == 0, 1, -1).astype(np.float32)
N = len(Y)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model.train()
for epoch in range(5):
    perm = torch.randperm(N)
    sum_loss = 0.0
    for i in range(0, N, 10):
        x = torch.FloatTensor(X[perm[i : i + 10].numpy()])
        y = torch.FloatTensor(Y[perm[i : i + 10].numpy()])
        optimizer.zero_grad()
        output = model(x).squeeze()
        weight = model.weight.squeeze()
        loss = torch.mean(torch.clamp(1 - y * output, min=0))
        loss += 0.01 * (weight.t() @ weight) / 2.0
        loss.backward()
        optimizer.step()
        sum_loss += float(loss)
final = sum_loss / N
