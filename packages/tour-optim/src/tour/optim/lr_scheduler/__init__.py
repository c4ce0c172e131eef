"""Learning-rate schedules. Call `schedule.step()` after `optimizer.step()`."""

from tour.optim.lr_scheduler.base import LRScheduler as LRScheduler
from tour.optim.lr_scheduler.composed import ChainedScheduler as ChainedScheduler
from tour.optim.lr_scheduler.composed import SequentialLR as SequentialLR
from tour.optim.lr_scheduler.cosine import CosineAnnealingLR as CosineAnnealingLR
from tour.optim.lr_scheduler.cosine import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from tour.optim.lr_scheduler.cycles import CyclicLR as CyclicLR
from tour.optim.lr_scheduler.cycles import OneCycleLR as OneCycleLR
from tour.optim.lr_scheduler.factors import ConstantLR as ConstantLR
from tour.optim.lr_scheduler.factors import ExponentialLR as ExponentialLR
from tour.optim.lr_scheduler.factors import LambdaLR as LambdaLR
from tour.optim.lr_scheduler.factors import LinearLR as LinearLR
from tour.optim.lr_scheduler.factors import MultiplicativeLR as MultiplicativeLR
from tour.optim.lr_scheduler.factors import MultiStepLR as MultiStepLR
from tour.optim.lr_scheduler.factors import PolynomialLR as PolynomialLR
from tour.optim.lr_scheduler.factors import StepLR as StepLR
from tour.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau

_LRScheduler = LRScheduler  # the name before PyTorch 2.0
