"""The directions of a ridge expansion, by variable projection."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Float, PRNGKeyArray

from ..errors import check_count, check_key, check_positive, check_shape
from ..precision import full_precision
from ..types import Points, Scalar
from ._gauss_newton import LARGEST, _adapted

# The first relative damping, and after how many steps without progress a descent ends.
FIRST, PATIENCE = 1.0, 6


def ridge_directions(
    points: Points,
    target: Float[Array, " n"],
    count: int,
    key: PRNGKeyArray,
    *,
    degrees: Sequence[int] = (3, 4),
    known: Float[Array, "k d"] | None = None,
    num_restarts: int = 3,
    tolerance: float = 1e-3,
    max_steps: int = 60,
) -> tuple[Float[Array, "m d"], Scalar]:
    r"""Unit rows w_j with $f(z) \approx q(z) + \sum_{j,k} c_{jk} He_k(w_j \cdot z) / \sqrt{k!}$.

    q is any quadratic polynomial, without mixed terms if it would have more than n/4 terms. Damped
    least squares give the coefficients for a W. Gauss-Newton steps with Levenberg-Marquardt damping
    move W alone, by the projected residual and Kaufman's approximation of its Jacobian. A descent
    starts at random rows; it ends when its residual is one of rounding or no longer falls.

    **Arguments:**

    - `points`: z, shape (n, d), mean about 0, covariance about I; the last fifth is held out.
    - `target`: f at the points, shape (n,).
    - `count`: m, the number of directions.
    - `key`: of the random rows.
    - `degrees`: the degrees k of the Hermite polynomials.
    - `known`: unit rows, shape (k, d), that are used beside those of W and not moved.
    - `num_restarts`: the largest number of descents.
    - `tolerance`: held-out residual at which no other descent is made.
    - `max_steps`: the largest number of steps of a descent.

    **Returns:** the best W, and its relative residual at the points that were held out.

    **Raises:** `InputError` for shapes that do not agree, fewer than five points, or a bad number.

    Source: Kaufman, "A variable projection method for solving separable nonlinear least squares
    problems", 1975; Golub & Pereyra, "Separable nonlinear least squares", 2003.
    """
    counts = [("count", count), ("num_restarts", num_restarts), ("max_steps", max_steps)]
    counts += [("len(degrees)", len(degrees)), *(("degrees", degree) for degree in degrees)]
    for name, value in counts:
        check_count(name, value)
    check_positive("tolerance", tolerance, zero=True)
    check_key(key)
    n, d = len(points), points.shape[-1]
    check_count("len(points)", n, minimum=5)
    check_shape("`points`", points.shape, (n, d), "give one row for each point")
    known = jnp.zeros((0, d), points.dtype) if known is None else known
    check_shape("`target`", target.shape, (n,), "give one number for each point")
    check_shape("`known`", known.shape, (len(known), d), "give one row for each direction")
    arrays = (array.astype(points.dtype) for array in (points, target, known))
    limits = jnp.asarray(tolerance, points.dtype), num_restarts, max_steps
    return _search(*arrays, key, *limits, count=int(count), degrees=tuple(degrees))


class _Problem(NamedTuple):
    """The points, what is left of the target, and the terms of q, orthonormal where fitted."""

    points: Points
    target: Float[Array, " n"]
    basis: Float[Array, "n p"]

    def without_free_part(self, values):
        cut = _num_fitted(self.points)
        return values - self.basis @ (self.basis[:cut].T @ values[:cut])


class _Fit(NamedTuple):
    """The least squares of one W; `columns` span the ridge functions and are orthonormal."""

    W: Float[Array, "m d"]
    coefficients: Float[Array, "k m"]
    misfit: Scalar  # |residual|^2 + damping |coefficients|^2, on the fitted points
    residual: Float[Array, " n"]
    columns: Float[Array, "f km"]


@functools.partial(jax.jit, static_argnames=("count", "degrees"))
@full_precision
def _search(points, target, known, key, tolerance, num_restarts, max_steps, *, count, degrees):
    problem, held_size = _problem(points, target, known, degrees)
    shape = count, points.shape[1]

    def descend(carry):
        number, W, error = carry
        start = jax.random.normal(jax.random.fold_in(key, number), shape, points.dtype)
        fit = _descend(problem, start, max_steps, degrees)
        new_error = jnp.linalg.norm(fit.residual[_num_fitted(points) :]) / held_size
        better = (new_error < error) | (number == 0)
        return number + 1, jnp.where(better, fit.W, W), jnp.where(better, new_error, error)

    first = 0, jnp.zeros(shape, points.dtype), jnp.asarray(jnp.inf, points.dtype)
    return jax.lax.while_loop(
        lambda carry: (carry[0] < num_restarts) & ~(carry[2] <= tolerance), descend, first
    )[1:]


def _problem(points, target, known, degrees):
    """Remove q and the known ridge functions, by QR of their columns over a small multiple of I."""
    (n, d), cut, dtype = points.shape, _num_fitted(points), points.dtype
    columns = [jnp.ones((n, 1), dtype), points, (points**2 - 1) / math.sqrt(2)]
    if 4 * (d * (d + 3) // 2 + 1) <= n:
        a, b = jnp.triu_indices(d, 1)
        columns.append(points[:, a] * points[:, b])
    free = jnp.concatenate([*columns, _ridges(known, points, degrees)[0]], axis=1)
    small = jnp.sqrt(n * jnp.finfo(dtype).eps) * jnp.eye(free.shape[1], dtype=dtype)
    R = jnp.linalg.qr(jnp.concatenate([free[:cut], small]), mode="r")
    sizes = jnp.linalg.norm(target[:cut]), jnp.linalg.norm(target[cut:])
    size, held_size = (jnp.where(size > 0, size, 1) for size in sizes)
    problem = _Problem(points, target / size, solve_triangular(R, free.T, trans="T").T)
    return problem._replace(target=problem.without_free_part(problem.target)), held_size / size


def _num_fitted(points):
    return len(points) - len(points) // 5


def _ridges(W, points, degrees):
    """He_k(w_j z) / sqrt(k!), shape (n, k m), and its derivatives in w_j z, shape (n, k, m)."""
    s = points @ W.T
    he = [jnp.ones_like(s), s]
    for k in range(1, max(degrees)):
        he.append((s * he[k] - math.sqrt(k) * he[k - 1]) / math.sqrt(k + 1))
    slopes = [math.sqrt(k) * he[k - 1] for k in degrees]
    return jnp.concatenate([he[k] for k in degrees], axis=1), jnp.stack(slopes, axis=1)


def _solve(problem: _Problem, W, degrees) -> _Fit:
    cut, info = _num_fitted(problem.points), jnp.finfo(W.dtype)
    W = W / jnp.linalg.norm(W, axis=1, keepdims=True)
    values = problem.without_free_part(_ridges(W, problem.points, degrees)[0])
    gram = values[:cut].T @ values[:cut]
    damping = float(info.eps) ** 0.75 * jnp.mean(jnp.diagonal(gram)) + info.tiny
    factor = jnp.linalg.cholesky(gram + damping * jnp.eye(len(gram), dtype=W.dtype))
    c = cho_solve((factor, True), values[:cut].T @ problem.target[:cut])
    residual = problem.target - values @ c
    misfit = jnp.sum(residual[:cut] ** 2) + damping * (c @ c)
    columns = solve_triangular(factor, values[:cut].T, lower=True).T
    return _Fit(W, c.reshape(len(degrees), -1), misfit, residual, columns)


def _model(problem: _Problem, fit: _Fit, degrees):
    """The Gauss-Newton matrix and half of the gradient, along the tangents of the unit rows."""
    z = problem.points[: len(fit.columns)]
    rate = jnp.sum(_ridges(fit.W, z, degrees)[1] * fit.coefficients[None], axis=1)
    tangents = z[:, None, :] - (z @ fit.W.T)[:, :, None] * fit.W[None]
    J = (rate[:, :, None] * tangents).reshape(len(z), -1)
    linear = jnp.concatenate([problem.basis[: len(z)], fit.columns], axis=1).T @ J
    return J.T @ J - linear.T @ linear, -(fit.residual[: len(z)] @ J)


def _descend(problem: _Problem, start, max_steps, degrees) -> _Fit:
    (m, d), cut, info = start.shape, _num_fitted(problem.points), jnp.finfo(start.dtype)

    def unfinished(carry):
        fit, *_, damping, waited, number = carry
        going = (number < max_steps) & (waited < PATIENCE) & (damping < LARGEST)
        return going & (jnp.sum(fit.residual[:cut] ** 2) > float(info.eps) ** 1.5)

    def step(carry):
        best, model, trial, predicted, damping, waited, number = carry
        new, old = _solve(problem, trial, degrees), best.misfit
        accepted = new.misfit < old  # not if a factorisation failed, which gives NaN
        best = jax.tree.map(lambda a, b: jnp.where(accepted, a, b), new, best)
        model = jax.lax.cond(accepted, lambda _: _model(problem, best, degrees), lambda m: m, model)
        damping = _adapted(damping, jnp.where(accepted, (old - new.misfit) / predicted, -1))
        matrix, gradient = model
        shift = damping * (jnp.diagonal(matrix) + jnp.mean(jnp.diagonal(matrix))) + info.tiny
        change = -cho_solve((jnp.linalg.cholesky(matrix + jnp.diag(shift)), True), gradient)
        predicted = -change @ (2 * gradient + matrix @ change)
        trial = best.W + change.reshape(m, d)
        waited = jnp.where(new.misfit < 0.99 * old, 0, waited + 1)
        return best, model, trial, predicted, damping, waited, number + 1

    # The misfit of the first trial, the start, is at most half of `bound`.
    k, bound = len(degrees), 2 * jnp.sum(problem.target[:cut] ** 2)
    zeros = functools.partial(jnp.zeros, dtype=start.dtype)
    start = start / jnp.linalg.norm(start, axis=1, keepdims=True)
    fit = _Fit(start, zeros((k, m)), bound, problem.target, zeros((cut, k * m)))
    first = fit, (zeros((m * d, m * d)), zeros(m * d)), start, bound, zeros(()) + FIRST, 0, 0
    return jax.lax.while_loop(unfinished, step, first)[0]
