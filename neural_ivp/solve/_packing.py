"""A march as plain data and arrays, and back: all that the rest of it depends on."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from .._errors import InputError
from ..evolution import NeuralIVP, State, init
from ..networks import AbstractNetwork
from ..problems import AbstractProblem
from ..solution import describe
from ..solution._file import check_size, record_from, segment_arrays, segments_from
from ._march import March
from ._recorder import Recorder

Packed = tuple[dict[str, Any], dict[str, np.ndarray]]


def packed(march: March) -> Packed:
    """What is said in words, and the arrays.

    Parameters need no entry of their own: those on the way are in the state, and a template only
    gives the architecture.
    """
    assert march.state is not None
    segments = [recorder.segment() for recorder in march.segments]
    said = {
        "problem": describe(march.problem),
        "network": describe(march.network),
        "method": describe(march.method),
        "dtype": segments[0].theta.dtype.name,
        "x64": x64(),
        "key_type": _key_type(march.key),
        "t": march.t,
        "stop": march.stop,
        "segments": len(segments),
        "fits": march.fits,
    }
    arrays = {"key": _plain(march.key), "ts": march.times, **segment_arrays(segments)}
    # Without an attempt the arrays are empty, and their types a guess.
    arrays |= {f"record.{name}": values for name, values in march.record().items()}
    leaves = filter(eqx.is_array, jax.tree.leaves(march.state))
    arrays |= {f"state{k}": _plain(leaf) for k, leaf in enumerate(leaves)}
    return said, arrays


def unpacked(
    said: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    problem: AbstractProblem,
    network: AbstractNetwork,
    method: NeuralIVP,
) -> March:
    """The march that `packed` was given, with these parts.

    **Raises:** `InputError` where the parts do not make arrays of those shapes.
    """
    key = _key(arrays["key"], said["key_type"])
    march = March(problem, network, method, arrays["ts"], key)
    march.t, march.stop, march.fits = said["t"], said["stop"], list(said["fits"])
    segments = segments_from(arrays, said["segments"])
    check_size(network, segments)
    march.segments = [Recorder.of(segment) for segment in segments]
    record = record_from(arrays)
    march.records = [
        {name: np.asarray(values[k]) for name, values in record.items()}
        for k in range(len(record["t0"]))
    ]
    march.state = _state(march, arrays, said["key_type"])
    march.set_mark()
    return march


def x64() -> bool:
    """Whether JAX is in 64-bit mode: the points depend on it whatever the network's dtype."""
    return jnp.result_type(float) == jnp.float64


def _state(march: March, arrays: Mapping[str, np.ndarray], key_type: str | None) -> State:
    """The state: its structure from `init`, without computing it; its arrays from the file."""
    # Nothing is an argument: the numbers of a method, which choose shapes, are to stay numbers.
    shapes = eqx.filter_eval_shape(
        lambda: init(march.problem, march.network, march.method, march.t0, march.t1, march.key)
    )
    leaves, structure = jax.tree.flatten(shapes)
    slots = [k for k, leaf in enumerate(leaves) if isinstance(leaf, jax.ShapeDtypeStruct)]
    saved = [array for name, array in arrays.items() if name.startswith("state")]
    if len(saved) == len(slots):
        for slot, array in zip(slots, saved, strict=True):
            wanted = leaves[slot]
            typed = jnp.issubdtype(wanted.dtype, jax.dtypes.prng_key)
            leaves[slot] = made = _key(array, key_type) if typed else jnp.asarray(array)
            if (made.shape, made.dtype) != (wanted.shape, wanted.dtype):
                break
        else:
            return jax.tree.unflatten(structure, leaves)
    raise InputError(
        "the checkpoint's state has other arrays than problem, network and method make here: it "
        "was written by another version of this library or of a class of your own"
    )


def _plain(leaf: Array) -> np.ndarray:
    """The bits of an array, of a typed key too."""
    typed = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if typed else leaf)


def _key_type(key: PRNGKeyArray) -> str | None:
    """What `jax.random.wrap_key_data` needs to know of a key; None for one without a type."""
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    return str(jax.random.key_impl(key)) if typed else None


def _key(data: np.ndarray, key_type: str | None) -> PRNGKeyArray:
    bits = jnp.asarray(data)
    return bits if key_type is None else jax.random.wrap_key_data(bits, impl=key_type)
