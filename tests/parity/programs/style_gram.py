"""Optimise an image, not a network: Gram matrices of features, total variation, an optimizer over pixels."""

import torch
import torch.nn as nn

torch.manual_seed(20)
features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.ReLU())
for p in features.parameters():
    p.requires_grad_(False)


def gram(f):
    b, c, h, w = f.shape
    f = f.view(b, c, h * w)
    return f.bmm(f.transpose(1, 2)).div(c * h * w)


style, content = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
target_gram, target = gram(features(style)), features(content)
image = content.clone().requires_grad_(True)
opt = torch.optim.Adam([image], lr=0.05)
for _ in range(15):
    f = features(image)
    tv = (image[..., 1:] - image[..., :-1]).abs().mean() + (image[:, :, 1:] - image[:, :, :-1]).abs().mean()
    loss = 100 * (gram(f) - target_gram).pow(2).sum() + (f - target).pow(2).mean() + 0.1 * tv
    opt.zero_grad()
    loss.backward()
    opt.step()
    with torch.no_grad():
        image.clamp_(0, 1)
final = loss.item()
