"""Mixed precision: `autocast` runs each op in the precision that suits it, `GradScaler` keeps float16's gradients from vanishing.

scaler = tour.amp.GradScaler()
with tour.autocast("cuda", dtype=tour.float16):
    loss = loss_of(net(x), y)
scaler.scale(loss).backward()
scaler.step(optimizer)
scaler.update()
"""

from tour.amp.autocast_mode import *
from tour.amp.grad_scaler import *
from tour.amp.grad_scaler import GradScaler as GradScaler
