"""What PyTorch's distributions give, for tour-tensor's tests: `python tools/golden_distributions.py`, with torch 2.13.0 for CPU."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import distributions

TARGET = Path(__file__).parents[1] / "packages/tour-tensor/tests/golden/distributions.json"

# A name, its parameters, values to ask about, and parameters of another one of the kind for the divergence.
CASES: list[tuple[str, dict[str, Any], Any, dict[str, Any] | None]] = [
    ("Normal", {"loc": [0.5, -1.0], "scale": [1.0, 2.0]}, [0.3, 4.0], {"loc": [0.0, 1.0], "scale": [2.0, 0.5]}),
    ("LogNormal", {"loc": [0.5, -1.0], "scale": [1.0, 0.3]}, [0.3, 4.0], {"loc": [0.0, 1.0], "scale": [2.0, 0.5]}),
    ("HalfNormal", {"scale": [1.0, 2.0]}, [0.3, 4.0], None),
    ("Uniform", {"low": [0.0, -1.0], "high": [2.0, 5.0]}, [0.3, 4.0], {"low": [-1.0, 0.0], "high": [3.0, 6.0]}),
    ("Exponential", {"rate": [0.5, 3.0]}, [0.3, 4.0], {"rate": [1.0, 2.0]}),
    ("Laplace", {"loc": [0.5, -1.0], "scale": [1.0, 2.0]}, [0.3, 4.0], {"loc": [0.0, 1.0], "scale": [2.0, 0.5]}),
    ("Cauchy", {"loc": [0.5, -1.0], "scale": [1.0, 2.0]}, [0.3, 4.0], None),
    ("Gumbel", {"loc": [0.5, -1.0], "scale": [1.0, 2.0]}, [0.3, 4.0], None),
    ("Bernoulli", {"probs": [0.2, 0.9, 0.5]}, [1.0, 0.0, 1.0], {"probs": [0.5, 0.1, 0.3]}),
    ("Bernoulli", {"logits": [-1.0, 2.0]}, [1.0, 0.0], {"logits": [0.5, 0.1]}),
    ("Geometric", {"probs": [0.2, 0.9]}, [3.0, 0.0], {"probs": [0.5, 0.1]}),
    ("Poisson", {"rate": [0.5, 3.0]}, [0.0, 4.0], {"rate": [1.0, 2.0]}),
    (
        "Categorical",
        {"probs": [[0.2, 0.3, 0.5], [1.0, 1.0, 2.0]]},
        [2, 0],
        {"probs": [[0.1, 0.3, 0.6], [1.0, 2.0, 1.0]]},
    ),
    ("Categorical", {"logits": [0.0, 1.0, -1.0]}, [2, 0], {"logits": [0.5, 0.5, 0.5]}),
    ("OneHotCategorical", {"probs": [0.2, 0.3, 0.5]}, [[0.0, 0.0, 1.0]], {"probs": [0.1, 0.3, 0.6]}),
    (
        "MultivariateNormal",
        {"loc": [0.5, -1.0], "covariance_matrix": [[2.0, 0.5], [0.5, 1.0]]},
        [[0.3, 4.0]],
        {"loc": [0.0, 1.0], "precision_matrix": [[2.0, 0.5], [0.5, 1.0]]},
    ),
]
QUESTIONS = ("mean", "mode", "variance", "stddev", "entropy", "perplexity", "enumerate_support")


def plain(x: Any) -> Any:
    """Nested lists with words for what JSON has no numbers for."""
    if isinstance(x, list):
        return [plain(y) for y in x]
    return str(x) if isinstance(x, float) and not math.isfinite(x) else x


def answers(name: str, parameters: dict[str, Any], value: Any, other: dict[str, Any] | None) -> dict[str, Any]:
    """Everything that one distribution tells."""
    kind = getattr(distributions, name)
    p = kind(**{k: torch.tensor(v) for k, v in parameters.items()})
    found: dict[str, Any] = {}
    if "()" not in repr(p) and name != "MultivariateNormal":  # it shows the matrix that was given
        found["text"] = repr(p).replace("torch", "tour")
    for question in QUESTIONS:
        try:
            answer = getattr(p, question)
            found[question] = plain((answer() if callable(answer) else answer).tolist())
        except (NotImplementedError, AttributeError):
            continue
    torch.manual_seed(0)
    found["sample"] = plain(p.sample((3,)).tolist())
    if p.has_rsample:
        torch.manual_seed(1)
        found["rsample"] = plain(p.rsample((2,)).tolist())
    at = torch.tensor(value)
    found["log_prob"] = plain(p.log_prob(at).tolist())
    for question, asked in (("cdf", at), ("icdf", torch.tensor(0.3))):
        try:
            found[question] = plain(getattr(p, question)(asked).tolist())
        except NotImplementedError:
            continue
    if other is not None:
        q = kind(**{k: torch.tensor(v) for k, v in other.items()})
        found["kl"] = plain(distributions.kl_divergence(p, q).tolist())
    return {"name": name, "parameters": parameters, "value": value, "other": other, "answers": found}


if __name__ == "__main__":
    TARGET.write_text(json.dumps([answers(*case) for case in CASES], indent=1) + "\n")
