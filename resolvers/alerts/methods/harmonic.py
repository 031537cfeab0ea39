"""A Poisson mean with one wave a year, fitted to each series' past, and carried forward."""

from __future__ import annotations

import numpy as np

from resolvers.alerts.methods.detection import Floats, Times

__all__ = ["design", "fit_poisson", "seasonal_poisson"]

_STEPS = 25
_TOLERANCE = 1e-8
_LEAST = float(np.finfo(float).eps)  # a mean: where no case ever was, weights must not vanish


def design(at: Floats, frequency: int, waves: int = 1, trend: bool = False) -> Floats:
    """Columns 1, t where `trend`, and a cosine and a sine for each wave; shape (times, columns)."""
    columns = [np.ones_like(at)]
    if trend:
        columns.append(at)
    for wave in range(1, waves + 1):
        angle = 2 * wave * np.pi / frequency * at
        columns += [np.cos(angle), np.sin(angle)]
    return np.stack(columns, axis=1)


def seasonal_poisson(past: Floats, times: Times, frequency: int, first_period: int) -> Floats:
    """The fitted mean at `times` of each series; shape (series, times)."""
    known = design(first_period + np.arange(past.shape[1], dtype=float), frequency)
    wanted = design(first_period + times.astype(float), frequency)
    return np.maximum(np.exp(fit_poisson(past, known) @ wanted.T), _LEAST)


def fit_poisson(past: Floats, columns: Floats) -> Floats:
    """Coefficients (series, columns) of a log-linear Poisson model, by iterated least squares.

    Begins and ends as R's glm.fit does: at counts + 0.1, at a change of the deviance below 1e-8.
    """
    y = np.asarray(past, dtype=float)
    weight = np.isfinite(y).astype(float)
    y = np.nan_to_num(y)
    mu = y + 0.1
    eta = np.log(mu)
    coefficients = np.zeros((y.shape[0], columns.shape[1]))
    old = np.full(y.shape[0], np.inf)
    going = np.ones(y.shape[0], dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(_STEPS):
            w = weight * mu
            z = eta + (y - mu) / mu
            normal = np.einsum("sn,np,nq->spq", w, columns, columns)
            right = (w * z) @ columns
            found = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
            coefficients = np.where(going[:, None], found, coefficients)
            eta = coefficients @ columns.T
            mu = np.maximum(np.exp(eta), _LEAST)
            parts = np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mu), 0) - (y - mu)
            deviance = 2 * (weight * parts).sum(axis=1)
            going &= np.abs(deviance - old) / (np.abs(deviance) + 0.1) >= _TOLERANCE
            old = deviance
            if not going.any():
                break
    return coefficients
