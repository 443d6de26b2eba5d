"""The file that a library releases some weights in: where it lies, and how it is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import huggingface_hub
import torch
from huggingface_hub import constants
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from timm.models._hub import download_cached_file

from sweeper.errors import InputError, Problem


@dataclass(frozen=True)
class ReleaseFile:
    """A file on the Hugging Face hub, under the first of `names` that is there, or behind `url`."""

    repository: str  # of the hub; empty: `url` alone
    names: tuple[str, ...]
    url: str = ""

    def cached(self) -> Path | None:
        """The file in the library's cache, or None; no network."""
        if not self.repository:
            return self._by_url() if self._by_url().is_file() else None
        for name in self.names:
            found = huggingface_hub.try_to_load_from_cache(self.repository, name)
            if isinstance(found, str):
                return Path(found)
        return None

    def fetched(self, backbone: str) -> Path:
        """The file, from the cache or the network.

        Raises:
            InputError: it is in neither; says which file to fetch, and where to put it.
        """
        found = self.cached()
        if found is not None:
            return found
        try:
            if not self.repository:
                return Path(download_cached_file(self.url, check_hash=False))
            return self._from_hub()
        except (OSError, RuntimeError, EntryNotFoundError) as error:
            raise InputError(self._missing(backbone, error)) from error

    def _from_hub(self) -> Path:
        """As both libraries do: safetensors where there are some."""
        for name in self.names[:-1]:
            try:
                return Path(huggingface_hub.hf_hub_download(self.repository, name))
            except LocalEntryNotFoundError:
                raise  # no network: the next name would wait for it as long
            except EntryNotFoundError:
                continue
        return Path(huggingface_hub.hf_hub_download(self.repository, self.names[-1]))

    def _by_url(self) -> Path:
        return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(self.url).path).name

    def _snapshot(self) -> Path:
        """The folder of the hub's cache that the file belongs in."""
        folder = Path(constants.HF_HUB_CACHE, f"models--{self.repository.replace('/', '--')}")
        main = folder / "refs" / constants.DEFAULT_REVISION
        revision = main.read_text() if main.is_file() else constants.DEFAULT_REVISION
        return folder / "snapshots" / revision

    def _missing(self, backbone: str, error: Exception) -> Problem:
        if self.repository:
            name, *others = self.names
            file = f"'{name}' of the repository '{self.repository}' on the Hugging Face hub"
            file += "".join(f", or '{other}' where it has no such file" for other in others)
            place, setting = self._snapshot(), "HF_HOME"
        else:
            name, file, place = self._by_url().name, self.url, self._by_url().parent
            setting = "TORCH_HOME"
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Problem(
            f"backbone '{backbone}'",
            f"its weights are not on disk and not to be had ({reason})",
            f"the file {file}",
            f"Fetch it where there is a network and put it into {place} ({setting} moves that "
            f"folder), or name it: './{name}@{backbone}'.",
        )
