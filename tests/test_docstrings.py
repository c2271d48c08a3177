"""Every public name says what it takes and gives, and its example runs."""

import inspect
import operator
import re
import textwrap
import types

import jax
import jax.numpy as jnp
import pytest

import neural_ivp as nivp

NAMES = [name for name in nivp.__all__ if not isinstance(getattr(nivp, name), types.ModuleType)]
NAMES += [f"problems.{name}" for name in nivp.catalogue.subclasses(nivp.problems.AbstractProblem)]


def value_of(name):
    return operator.attrgetter(name)(nivp)


def docstring(name):
    return inspect.getdoc(value_of(name)) or ""


def example(name):
    blocks = re.findall(r"```python\n(.*?)```", docstring(name), flags=re.DOTALL)
    return textwrap.dedent("\n".join(blocks))


@pytest.fixture(scope="module")
def namespace():
    """What the examples may use without making it: small parts of one small problem."""
    key = jax.random.key(0)
    problem = nivp.problems.Heat(domain=nivp.Torus((1.0,)), diffusivity=0.1)
    network = nivp.default_network(problem, width=8, depth=1, num_frequencies=1, key=key)
    method = nivp.NeuralIVP(
        sampler=nivp.Uniform(64),
        velocity_solver=nivp.RidgeCholesky(),
        integrator=nivp.AdaptiveStep(rtol=1e-2),
        fit=(nivp.LastLayer(num_points=100),),
    )
    return {
        "jax": jax,
        "jnp": jnp,
        "nivp": nivp,
        "problem": problem,
        "network": network,
        "method": method,
        "solution": nivp.solve(problem, network, method, ts=[0.0, 0.01], key=key),
        "key": key,
        "points": nivp.WeightedPoints.equal(jax.random.uniform(key, (50, 1))),
    }


@pytest.mark.parametrize("name", NAMES)
def test_it_has_an_example_that_runs(name, namespace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = example(name)
    assert code, f"`{name}` has no example"
    assert code.count("\n") <= 4, "an example is about two lines"
    exec(compile(code, f"<docstring of {name}>", "exec"), dict(namespace))


@pytest.mark.parametrize("name", NAMES)
def test_it_names_its_arguments(name):
    """Each argument of a function or a constructor stands in the docstring by its name."""
    value, text = value_of(name), docstring(name)
    if inspect.isclass(value) and issubclass(value, BaseException | tuple):
        return
    if not callable(value):
        return
    arguments = [p for p in inspect.signature(value).parameters if p not in ("self", "args")]
    missing = [argument for argument in arguments if f"`{argument}`" not in text]
    assert not missing, missing
