"""Deep Q-learning: a target network copied by state_dict, a replay memory, Huber loss."""

import copy
import random
from collections import deque, namedtuple

import torch
import torch.nn as nn

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward", "done"))
random.seed(0)
torch.manual_seed(0)
q = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
target = copy.deepcopy(q)
target.load_state_dict(q.state_dict())
optimizer = torch.optim.AdamW(q.parameters(), lr=1e-3, amsgrad=True)
memory = deque(maxlen=200)
state = torch.zeros(2)
for step in range(120):
    if random.random() < 0.3:
        action = random.randrange(2)
    else:
        with torch.no_grad():
            action = q(state).argmax().item()
    next_state = (state + torch.tensor([0.1, -0.1]) * (1 if action else -1)).clamp(-1, 1)
    memory.append(Transition(state, action, next_state, next_state[0].item(), step % 20 == 19))
    state = torch.zeros(2) if step % 20 == 19 else next_state
    if len(memory) < 16:
        continue
    batch = Transition(*zip(*random.sample(memory, 16)))
    states, nexts = torch.stack(batch.state), torch.stack(batch.next_state)
    actions = torch.tensor(batch.action).unsqueeze(1)
    mask = 1.0 - torch.tensor(batch.done, dtype=torch.float32)
    with torch.no_grad():
        expected = torch.tensor(batch.reward) + 0.9 * mask * target(nexts).max(1).values
    loss = nn.HuberLoss()(q(states).gather(1, actions).squeeze(1), expected)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(q.parameters(), 100)
    optimizer.step()
    with torch.no_grad():
        for p, tp in zip(q.parameters(), target.parameters()):
            tp.mul_(0.99).add_(p, alpha=0.01)
final = loss.item()
