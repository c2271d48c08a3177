"""Checks of the arguments of `fit`."""

from typing import Any

import numpy as np

from ..calculus import AbstractInnerProduct
from ..data import GriddedData, ScatteredData
from ..domains import AbstractDomain
from ..errors import InputError, check_kind
from ..networks import AbstractNetwork, flatten
from ._base import AbstractFitStage


def check_arguments(network: Any, target: Any, domain: Any, stages: Any, norm: Any) -> None:
    """Raise `InputError` for parts of the wrong kind, or that do not belong together."""
    check_kind("network", network, AbstractNetwork)
    check_kind("domain", domain, AbstractDomain)
    if norm is not None:
        check_kind("norm", norm, AbstractInnerProduct)
    if not isinstance(target, ScatteredData) and not callable(target):
        raise InputError(
            f"`target` must be a function of one point, got {type(target).__name__}: wrap an array "
            "in `GriddedData`, or samples in `ScatteredData`"
        )
    if isinstance(target, ScatteredData | GriddedData) and target.domain != domain:
        raise InputError(
            "`target` has values on another domain than `domain`: make them agree "
            f"(it has {target.domain}, `domain` is {domain})"
        )
    if not isinstance(stages, tuple | list):
        raise InputError(f"`stages` must be a sequence of fit stages, got {stages!r}: write (...,)")
    for stage in stages:
        check_kind("stages", stage, AbstractFitStage)
    _check_network(network, domain)


def _check_network(network: AbstractNetwork, domain: AbstractDomain) -> None:
    inner = getattr(network, "inner", None)  # of a wrapper
    own = getattr(network, "domain", getattr(inner, "domain", domain))
    if own.periodic != domain.periodic:
        raise InputError(
            f"`network` is made for another domain than `domain`: make it with this one (it has "
            f"{own}, `domain` is {domain})"
        )
    if not np.all(np.isfinite(flatten(network)[0])):
        raise InputError("`network` has parameters that are not finite: make it anew")
