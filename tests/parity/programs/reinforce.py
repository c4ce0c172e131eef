"""Policy gradients on a corridor: Categorical by hand, discounted returns, a baseline."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(543)
policy = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
eps = 1e-8
lengths = []
for episode in range(12):
    position, log_probs, rewards = 2, [], []
    while 0 <= position < 6 and len(rewards) < 30:
        state = F.one_hot(torch.tensor(position), 6).float()
        probs = F.softmax(policy(state), dim=0)
        action = torch.multinomial(probs, 1).item()
        log_probs.append(torch.log(probs[action]))
        position += 1 if action == 1 else -1
        rewards.append(1.0 if position == 6 else -0.1)
    R, returns = 0, []
    for r in rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    if len(returns) > 1:
        returns = (returns - returns.mean()) / (returns.std() + eps)
    loss = torch.stack([-lp * R for lp, R in zip(log_probs, returns)]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    lengths.append(len(rewards))
final = loss.item() + sum(lengths)
