"""A checkpoint bent to another network: renamed keys, hooks, tied weights, strict=False, assign=True."""

import collections
import io

import torch
import torch.nn as nn


class Old(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.ModuleDict({"a": nn.Linear(6, 8), "b": nn.Linear(8, 8)})
        self.classifier = nn.Linear(8, 4)

    def forward(self, x):
        return self.classifier(self.enc["b"](self.enc["a"](x).relu()).relu())


class New(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            collections.OrderedDict([("first", nn.Linear(6, 8)), ("act", nn.ReLU()), ("second", nn.Linear(8, 8))])
        )
        self.head = nn.Linear(8, 6)
        self.decoder = nn.Linear(8, 6, bias=False)
        self.decoder.weight = self.head.weight
        self.register_buffer("version", torch.tensor(2, dtype=torch.int64))
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(1)) for _ in range(2)])
        self.register_load_state_dict_pre_hook(self._upgrade)

    @staticmethod
    def _upgrade(module, state, prefix, *args):
        for key in list(state):
            if key.startswith(prefix + "scale_"):
                state[f"{prefix}scales.{key.rsplit('_', 1)[1]}"] = state.pop(key)

    def forward(self, x):
        h = self.encoder(x).relu()
        return self.head(h) * self.scales[0] + self.decoder(h) * self.scales[1]


torch.manual_seed(44)
x, y = torch.randn(32, 6), torch.randint(6, (32,))
old, new = Old(), New()
buffer = io.BytesIO()
torch.save(old.state_dict(), buffer)
buffer.seek(0)
state = torch.load(buffer, weights_only=True)
names = {"enc.a": "encoder.first", "enc.b": "encoder.second"}
moved = {f"{names[k.rpartition('.')[0]]}.{k.rpartition('.')[2]}": v for k, v in state.items() if k.startswith("enc")}
moved["head.weight"] = torch.cat([state["classifier.weight"], torch.zeros(2, 8)])
moved["scale_0"], moved["scale_1"] = torch.tensor([0.5]), torch.tensor([1.5])
result = new.load_state_dict(moved, strict=False)
missing, unexpected = result
assert not unexpected and "head.bias" in missing
try:
    new.load_state_dict({"head.weight": torch.zeros(3, 8)}, strict=False)
except RuntimeError as error:
    assert "size mismatch for head.weight" in str(error)
shared = sum(1 for _ in new.named_parameters()), sum(1 for _ in new.named_parameters(remove_duplicate=False))
for name, p in new.named_parameters():
    p.requires_grad_(not name.startswith("encoder.first"))
new.double()
opt = torch.optim.SGD(filter(lambda p: p.requires_grad, new.parameters()), lr=0.1)
for _ in range(10):
    opt.zero_grad()
    loss = nn.functional.multi_margin_loss(new(x.to(torch.double)), y)
    loss.backward()
    opt.step()
assert new.decoder.weight is new.head.weight
new.to(dtype=torch.float32)
fused = nn.utils.parameters_to_vector(new.parameters())
nn.utils.vector_to_parameters(fused * 0.9, new.parameters())
kept = {k: v.clone() for k, v in new.state_dict().items()}
new.load_state_dict({k: v + 0.01 if v.is_floating_point() else v for k, v in kept.items()}, assign=True)
final = loss.item() + new(x).square().mean().item() + shared[0] + shared[1] + new.version.item() + fused.norm().item()
