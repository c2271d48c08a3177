"""Runs as TOML files: reading, checks, defaults and writing."""

from ._file import read_table
from ._packaged import config_path, packaged_configs
from ._run_config import RunConfig, dtype_of, load_config, make_config
from ._values import toml
