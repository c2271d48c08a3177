"""L7. A run as a TOML file: read, checked, filled in with every default, and written again."""

from ._file import read_table as read_table
from ._run_config import RunConfig as RunConfig
from ._run_config import dtype_of as dtype_of
from ._run_config import load_config as load_config
from ._run_config import make_config as make_config
