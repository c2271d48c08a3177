"""A march as the arrays of a checkpoint file, and back."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ..catalogue import describe
from ..errors import CheckpointWarning, InputError
from ..evolution import (
    NeuralIVP,
    SegmentRecorder,
    State,
    check_num_parameters,
    init,
    record_from,
    segment_arrays,
    segments_from,
    sized,
)
from ..files import package_version, write_file
from ..networks import AbstractNetwork
from ..problems import AbstractProblem, fingerprint
from ._checkpoint import Checkpoint
from ._march import March
from ._stopwatch import Stopwatch

KIND, VERSION = "checkpoint", 4


class CheckpointWriter:
    """Writes the checkpoints of one march, or none."""

    def __init__(self, checkpoint: Checkpoint | None, march: March, watch: Stopwatch):
        self.checkpoint, self.march, self.watch = checkpoint, march, watch
        self.warned = False
        # Evaluated once: it runs the problem's functions.
        self.fingerprint = None if checkpoint is None else fingerprint(march.problem)

    def __call__(self, begins: bool) -> None:
        """Between attempts: write at the start of a segment and after every `every` attempts."""
        every = 1 if self.checkpoint is None else self.checkpoint.every
        if begins or len(self.march.records) % every == 0:
            self.write()

    def write(self) -> None:
        """Write the march; a failure to write only warns, so that a full disk does not end it."""
        if self.checkpoint is None:
            return
        header, arrays = to_arrays(self.march)
        header |= {
            "fingerprint": self.fingerprint,
            "package": package_version(),
            "every": self.checkpoint.every,
            "seconds": self.watch.seconds(),
        }
        try:
            write_file(Path(self.checkpoint.path), KIND, VERSION, header, arrays)
        except OSError as error:
            if not self.warned:
                self.warned = True
                warnings.warn(
                    f"no checkpoint could be written to {str(self.checkpoint.path)!r} "
                    f"({error.strerror or error}): the solve continues without it",
                    CheckpointWarning,
                    stacklevel=2,
                )


def to_arrays(march: March) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of a checkpoint; the state holds the network's parameters."""
    assert march.state is not None
    segments = [recorder.segment() for recorder in march.segments]
    header = {
        "problem": describe(march.problem),
        "network": describe(march.network),
        "method": describe(march.given),
        "sizes": march.sizes,
        "dtype": segments[0].theta.dtype.name,
        "x64": x64(),
        "key_type": _key_type(march.key),
        "t": march.t,
        "stop": march.stop,
        "segments": len(segments),
        "fits": march.fits,
    }
    arrays = {"key": _plain(march.key), "ts": march.times, **segment_arrays(segments)}
    arrays |= {f"record.{name}": values for name, values in march.record().items()}
    leaves = filter(eqx.is_array, jax.tree.leaves(march.state))
    arrays |= {f"state{k}": _plain(leaf) for k, leaf in enumerate(leaves)}
    return header, arrays


def from_arrays(
    header: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    problem: AbstractProblem,
    network: AbstractNetwork,
    method: NeuralIVP,
) -> March:
    """The inverse of `to_arrays`, with these parts.

    **Raises:** `InputError` where the parts do not make arrays of those shapes.
    """
    key_type = header["key_type"]
    key = _key(arrays["key"], key_type)
    segments = segments_from(arrays, header["segments"], network)
    check_num_parameters(network, segments)
    record = record_from(arrays)
    times = arrays["ts"]
    whole = method if header["sizes"] is None else sized(method, *header["sizes"])
    # Not as arguments, which would be traced: numbers of the method determine shapes.
    shapes = eqx.filter_eval_shape(
        lambda: init(problem, network, whole, float(times[0]), float(times[-1]), key)
    )
    return March(
        problem,
        network,
        method,
        times,
        key,
        state=_state(shapes, arrays, key_type),
        t=header["t"],
        stop=header["stop"],
        segments=[SegmentRecorder.of(segment) for segment in segments],
        records=[
            {name: np.asarray(values[k]) for name, values in record.items()}
            for k in range(len(record["t0"]))
        ],
        fits=header["fits"],
        sizes=header["sizes"],
    )


def x64() -> bool:
    """Whether JAX is in 64-bit mode, on which the points depend for every dtype of the network."""
    return jnp.result_type(float) == jnp.float64


def _state(shapes: State, arrays: Mapping[str, np.ndarray], key_type: str | None) -> State:
    """The state with the structure of `init` and the arrays of the file."""
    leaves, structure = jax.tree.flatten(shapes)
    slots = [k for k, leaf in enumerate(leaves) if isinstance(leaf, jax.ShapeDtypeStruct)]
    saved = [array for name, array in arrays.items() if name.startswith("state")]
    if len(saved) == len(slots):
        for slot, array in zip(slots, saved, strict=True):
            expected = leaves[slot]
            typed = jnp.issubdtype(expected.dtype, jax.dtypes.prng_key)
            leaves[slot] = leaf = _key(array, key_type) if typed else jnp.asarray(array)
            if (leaf.shape, leaf.dtype) != (expected.shape, expected.dtype):
                break
        else:
            return jax.tree.unflatten(structure, leaves)
    raise InputError(
        "the checkpoint's state has other arrays than problem, network and method make here: it "
        "was written by another version of this library or of a class of your own"
    )


def _plain(leaf: Array) -> np.ndarray:
    """An array as numpy array; of a typed key its data."""
    typed = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if typed else leaf)


def _key_type(key: PRNGKeyArray) -> str | None:
    """The `impl` of a typed key for `jax.random.wrap_key_data`; None for an untyped key."""
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    return str(jax.random.key_impl(key)) if typed else None


def _key(data: np.ndarray, key_type: str | None) -> PRNGKeyArray:
    bits = jnp.asarray(data)
    return bits if key_type is None else jax.random.wrap_key_data(bits, impl=key_type)
