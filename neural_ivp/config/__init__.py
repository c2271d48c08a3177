"""A run as a TOML file: read, checked, filled in with every default, and written again."""

from ._file import read_table
from ._run_config import RunConfig, dtype_of, load_config, make_config
