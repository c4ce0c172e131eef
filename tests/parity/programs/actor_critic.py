"""An actor and a critic in one network, smooth L1 loss, entropy bonus, several optimizer groups."""

import torch
from torch import nn


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 24), nn.Tanh())
        self.actor, self.critic = nn.Linear(24, 3), nn.Linear(24, 1)

    def forward(self, s):
        h = self.body(s)
        return self.actor(h).log_softmax(-1), self.critic(h).squeeze(-1)


torch.manual_seed(0)
net = ActorCritic()
opt = torch.optim.RMSprop(
    [{"params": net.body.parameters()}, {"params": [*net.actor.parameters(), *net.critic.parameters()], "lr": 3e-3}],
    lr=1e-3,
    alpha=0.95,
)
states = torch.randn(40, 4)
for t in range(15):
    logp, value = net(states)
    actions = torch.multinomial(logp.exp().detach(), 1).squeeze(1)
    reward = (actions == states.argmax(1) % 3).float()
    advantage = reward - value.detach()
    chosen = logp.gather(1, actions.unsqueeze(1)).squeeze(1)
    entropy = -(logp.exp() * logp).sum(-1).mean()
    loss = -(chosen * advantage).mean() + nn.functional.smooth_l1_loss(value, reward) - 0.01 * entropy
    opt.zero_grad()
    loss.backward()
    opt.step()
final = loss.item()
