"""A graph convolutional network on neighbours in the iris data: normalised adjacency, masks, index_add."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_iris
from sklearn.neighbors import kneighbors_graph

iris = load_iris()
edges = torch.from_numpy(kneighbors_graph(iris.data, 5, include_self=True).toarray()).nonzero().t()


class GCNLayer(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(i, o))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, edges):
        src, dst = edges
        degree = torch.bincount(dst, minlength=len(x)).float()
        messages = (x @ self.weight)[src] / degree[dst].sqrt().unsqueeze(1)
        return torch.zeros(len(x), messages.shape[1]).index_add(0, dst, messages)


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = GCNLayer(4, 16), GCNLayer(16, 3)

    def forward(self, x, edges):
        x = F.elu(self.conv1(x, edges))
        x = F.dropout(x, 0.5, self.training)
        return F.log_softmax(self.conv2(x, edges), dim=-1)


torch.manual_seed(0)
x = torch.tensor(iris.data).float()
x = (x - x.mean(0)) / x.std(0)
y = torch.tensor(iris.target)
train = torch.rand(len(x)) < 0.3
model = GCN()
opt = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(20):
    model.train()
    opt.zero_grad()
    loss = F.nll_loss(model(x, edges)[train], y[train])
    loss.backward()
    opt.step()
model.eval()
accuracy = (model(x, edges).argmax(1) == y)[~train].float().mean()
final = loss.item() + accuracy.item()
