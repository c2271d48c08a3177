"""The configs that are packaged with the library, by name."""

from pathlib import Path

from ..errors import InputError, nearest


def packaged_configs() -> dict[str, Path]:
    """The files of the packaged configs by name, sorted: of the wheel, or of the checkout."""
    package = Path(__file__).parents[1]
    folders = (package / "configs", package.parent / "configs")  # of a wheel, of a checkout
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        raise InputError(f"the installation is incomplete: there is no folder {str(folders[0])!r}")
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def config_path(name: str) -> Path:
    """The file of that name, or the packaged config.

    **Raises:** `InputError` if `name` has no folder and no suffix, and is neither of them; or if it
    is the name of a packaged config with a suffix.
    """
    path = Path(name)
    if path.is_file() or path.suffix not in ("", ".toml") or len(path.parts) != 1:
        return path
    configs = packaged_configs()
    if path.suffix and path.stem in configs:
        raise InputError(f"there is no file {name!r}; the packaged config is {path.stem!r}")
    if path.suffix:
        return path
    if name in configs:
        return configs[name]
    if path.exists():
        return path
    raise InputError(
        f"there is no file and no packaged config {name!r}.{nearest(name, configs)} "
        "`neural-ivp list` prints them"
    )
