"""Train the network of digits.py on several processes at once, each with its share of every batch.

    python examples/digits_ddp.py                    # alone
    mpiexec -n 4 python examples/digits_ddp.py       # four processes, the same curve
    python -m tour.distributed.run -n 4 --max-restarts 2 --shrink examples/digits_ddp.py --checkpoint runs/digits_ddp.safetensors

Gradients are averaged while the backward pass runs, so all processes take the same steps, and the losses are those of one
process on the whole batch: the figure lays both over each other. Rank 0 alone shows progress and writes files: the last line above
starts again with three processes if one of four fails, and goes on after the last epoch that was done.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from common import BLUE, ORANGE, Parser, picture, whole_number
from digits import BATCH, EPOCHS, Data, accuracy, load, network
from tqdm import tqdm

import tour
from tour import distributed as dist
from tour import nn, optim
from tour.nn.parallel import DistributedDataParallel
from tour.utils.run import load_run, save_run


def train(
    net: nn.Module, data: Data, epochs: int, rank: int = 0, size: int = 1, checkpoint: Path | None = None
) -> list[float]:
    """Train on every size-th image of each batch, from the rank-th; returns each step's loss over the whole batch."""
    optimizer = optim.Adam(net.parameters(), lr=2e-3)
    losses = [] if checkpoint is None else resumed(checkpoint, net, optimizer)
    done = len(losses) // -(-len(data) // BATCH)
    with tqdm(
        total=epochs, initial=done, desc=f"{size} processes", unit="epoch", dynamic_ncols=True, disable=rank != 0
    ) as bar:
        for _ in range(done, epochs):
            shares: list[float] = []
            for batch in tour.randperm(len(data)).split(BATCH):  # the same everywhere: all processes share the seed
                mine = batch[rank::size]
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(data.images[mine]), data.labels[mine], reduction="sum") / len(
                    batch
                )
                (loss * size).backward()  # the mean over ranks of this is the mean over the batch, however it divides
                optimizer.step()
                shares.append(loss.item())
            together = tour.tensor(shares, dtype=tour.float64)
            if size > 1:
                dist.all_reduce(together)
            losses += together.tolist()
            if checkpoint is not None and rank == 0:
                save_run(checkpoint, model=net, optimizer=optimizer, extra=losses)
            bar.update()
            bar.set_postfix(loss=f"{losses[-1]:.3f}")
    return losses


def resumed(checkpoint: Path, net: nn.Module, optimizer: optim.Optimizer) -> list[float]:
    """Set everything as rank 0's checkpoint says, if there is one; returns the losses until then."""
    held = [checkpoint.read_bytes() if dist.get_rank() == 0 and checkpoint.exists() else None]
    dist.broadcast_object_list(held)  # other machines need not see the file
    if held[0] is None:
        return []
    with TemporaryDirectory() as folder:
        copy = Path(folder, checkpoint.name)
        copy.write_bytes(held[0])
        losses: list[float] = load_run(copy, model=net, optimizer=optimizer)
    return losses


def fresh(seed: int) -> nn.Sequential:
    """The network of digits.py without its dropout, whose draws would differ from process to process."""
    tour.manual_seed(seed)
    return nn.Sequential(*(layer for layer in network() if not isinstance(layer, nn.Dropout)))


def plot(path: Path, together: list[float], alone: list[float], size: int) -> None:
    """Draw both curves."""
    with picture(path, 7, 3.6) as figure:
        axis = figure.subplots()
        axis.semilogy(alone, color=ORANGE, linewidth=5, alpha=0.5, label="one process")
        axis.semilogy(together, color=BLUE, linewidth=1, label=processes(size))
        axis.set_title("Training loss of each step", loc="left")
        axis.set_xlabel("step")
        axis.legend(frameon=False)


def processes(size: int) -> str:
    """A number of processes in words."""
    return "1 process" if size == 1 else f"{size} processes"


def main() -> None:
    """Train together, then once more alone, and compare."""
    parser = Parser(__doc__, __file__)
    parser.add_argument("--epochs", type=whole_number(1, 10_000), default=EPOCHS, help="default: %(default)s")
    parser.add_argument("--checkpoint", type=Path, help="where each epoch leaves the run, and where it goes on")
    options = parser.parse_args()
    epochs = 1 if options.short else options.epochs

    dist.init_process_group()
    rank, size = dist.get_rank(), dist.get_world_size()
    train_set, test_set = load("cpu", options.seed)
    net = DistributedDataParallel(fresh(options.seed))
    start = time.perf_counter()
    together = train(net, train_set, epochs, rank, size, options.checkpoint)
    seconds = time.perf_counter() - start
    dist.destroy_process_group()
    if rank != 0:
        return
    alone = train(fresh(options.seed), train_set, epochs)
    share = accuracy(net.module, test_set)
    print(f"Accuracy    {share:.1%} of {len(test_set)} held-out digits, after {seconds:.1f} s on {processes(size)}")
    apart = max(abs(a - b) for a, b in zip(together, alone, strict=True))
    print(f"Difference  {apart:.1e} at most between the losses")
    plot(options.out, together, alone, size)


if __name__ == "__main__":
    main()
