"""Losses scaled up so that the gradients of float16 do not vanish, and the scale adapted to what the gradients bear."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import tour
from tour import _core
from tour._lazy import subpackage

__all__ = ["GradScaler"]

READY, UNSCALED, STEPPED = "ready", "unscaled", "stepped"


class GradScaler:
    """Scales losses, skips steps whose gradients are not finite, and adapts the scale.

    Each `update` multiplies the scale by `backoff_factor` if a gradient was infinite or NaN, and by `growth_factor` after
    `growth_interval` steps in a row in which none was.

    Args:
        device: `"cuda"` or `"cpu"`.
        init_scale: The scale at first.
        growth_factor: More than 1.
        backoff_factor: Less than 1.
        growth_interval: Steps.
        enabled: Whether it does anything; if not, `scale` gives the loss back and `step` only steps.

    Examples:
        >>> import tour
        >>> w = tour.ones(2, requires_grad=True)
        >>> optimizer = tour.optim.SGD([w], lr=0.5)
        >>> scaler = tour.amp.GradScaler("cpu", init_scale=4.0)
        >>> scaler.scale(w.sum()).backward()
        >>> w.grad
        tensor([4., 4.])
        >>> scaler.step(optimizer)
        >>> scaler.update()
        >>> w.detach()
        tensor([0.5000, 0.5000])
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device, self._enabled = device, enabled
        if device == "cuda" and enabled and not subpackage("cuda").is_available():
            warnings.warn("tour.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            self._enabled = False
        if self._enabled:
            if growth_factor <= 1.0:
                raise AssertionError("The growth factor must be > 1.0.")
            if backoff_factor >= 1.0:
                raise AssertionError("The backoff factor must be < 1.0.")
            self._init_scale, self._growth_factor, self._backoff_factor = init_scale, growth_factor, backoff_factor
            self._growth_interval, self._growth_tracker = growth_interval, 0
            self._scale: Any = None
            self._optimizers: dict[int, dict[str, Any]] = {}

    # --- The step ---

    def scale(self, outputs: Any) -> Any:
        """A loss, or several in a list or tuple, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, _core.Tensor):
            if self._scale is None:
                self._scale = tour.full((), self._init_scale, dtype=tour.float32, device=outputs.device)
            return outputs * self._scale.to(outputs.device)
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divide an optimizer's gradients by the scale now, so that they can be clipped; `step` will not do it again.

        Raises:
            RuntimeError: If that has been done since the last `update`.
            ValueError: If a gradient is in float16.
        """
        if not self._enabled:
            return
        about = self._about(optimizer)
        if about["stage"] is UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if about["stage"] is STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inverse = 1.0 / self._known("unscale_").double()
        about["found"] = self._divide(optimizer, inverse.float())
        about["stage"] = UNSCALED

    def _divide(self, optimizer: Any, inverse: Any) -> list[Any]:
        """Divide; for each device, a tensor that is more than 0 where a gradient is not finite."""
        found: dict[Any, Any] = {}
        with tour.no_grad():
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if (g := p.grad) is None:
                        continue
                    if g.dtype is tour.float16:
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    wrong = (~g.isfinite()).any().float()
                    before = found.get(g.device)
                    found[g.device] = wrong if before is None else tour.maximum(before, wrong)
                    g.mul_(inverse.to(g.device).to(g.dtype))
        return list(found.values())

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step()`, unless a gradient is infinite or NaN; gradients are unscaled before.

        Returns:
            What the optimizer's step gives; None where it was left out.

        Raises:
            RuntimeError: If it was called since the last `update`, or with a closure.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        about = self._about(optimizer)
        self._known("step")
        if about["stage"] is STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if about["stage"] is READY:
            self.unscale_(optimizer)
        if not about["found"]:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        about["stage"] = STEPPED
        if any(t.item() for t in about["found"]):
            return None
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Adapt the scale to the gradients of all optimizers since the last time; or set it.

        Raises:
            AssertionError: If no optimizer has stepped.
        """
        if not self._enabled:
            return
        scale = self._known("update")
        if new_scale is not None:
            scale.fill_(new_scale) if isinstance(new_scale, float) else scale.copy_(new_scale)
        else:
            found = [t for about in self._optimizers.values() for t in about["found"]]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            if any(t.item() for t in found):
                scale.mul_(self._backoff_factor)
                self._growth_tracker = 0
            else:
                self._growth_tracker += 1
                if self._growth_tracker == self._growth_interval:
                    grown = scale * self._growth_factor
                    if grown.isfinite().item():
                        scale.copy_(grown)
                    self._growth_tracker = 0
        self._optimizers.clear()

    def _about(self, optimizer: Any) -> dict[str, Any]:
        return self._optimizers.setdefault(id(optimizer), {"stage": READY, "found": []})

    def _known(self, name: str) -> Any:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  This may indicate your script did not use scaler.scale(loss or outputs) "
                "earlier in the iteration."
            )
        return self._scale

    # --- Settings ---

    def get_scale(self) -> float:
        """The scale now; 1 if disabled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale.item())

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by when it grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by when it grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by when a gradient was not finite."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by when a gradient was not finite."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps in a row the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many good steps in a row the scale grows."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """Scale, factors and the number of good steps in a row, to be saved; empty if disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state.

        Raises:
            RuntimeError: If it is that of a disabled scaler.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval, self._growth_tracker = state_dict["growth_interval"], state_dict["_growth_tracker"]
