"""Weights on a Hugging Face hub: `org/repo:file.gguf`.

`huggingface_hub` knows the endpoint, the token, offline mode, and what its errors mean;
it is asked for the file's address, size and hash. The bytes come by `download.fetch`:
`hf_hub_download` (2.4) begins anew after an interruption, and this way they are plain
HTTP, whatever other transport a repository offers.
"""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from batos.engines.download import Address, AddressUnusable, Progress, fetch, place, sha256_of
from batos.engines.gguf import read_model
from batos.errors import PullFailed, WeightsRefused

SPEC = re.compile(
    r"(?P<repo>[\w][\w.-]*/[\w][\w.-]*):(?P<file>(?!/)(?!.*\.\.)[\w./ +-]+\.gguf)", re.ASCII
)
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class HubFile:
    """A file of a repository on the hub."""

    repo: str
    file: str

    @property
    def spec(self) -> str:
        return f"{self.repo}:{self.file}"

    @property
    def weights_file(self) -> str:
        return f"{self.repo.replace('/', '--')}/{self.file}"

    @property
    def source(self) -> str:
        return f"{self.repo}, {self.file}, from the Hugging Face hub"


@dataclass(frozen=True)
class _Found:
    address: Address
    version: str  # the file's ETag: its SHA-256 where the hub stores large files


def hub_file(spec: str) -> HubFile | None:
    """Read `org/repo:file.gguf`; None when it is something else.

    >>> hub_file("org/repo:model.Q4_K_M.gguf")
    HubFile(repo='org/repo', file='model.Q4_K_M.gguf')
    >>> hub_file("./model.gguf")
    """
    match = SPEC.fullmatch(spec)
    return HubFile(match["repo"], match["file"]) if match else None


def bring(wanted: HubFile, folder: Path, mind: str, progress: Progress) -> Path:
    """Fetch the file, check it, and leave it in `folder`."""
    found = _find(wanted, mind)
    final = folder / wanted.weights_file
    final.parent.mkdir(parents=True, exist_ok=True)
    # Named for the version: another version of the file is never taken for its beginning.
    version = hashlib.sha256(found.version.encode()).hexdigest()[:12]
    part = final.with_name(f"{final.name}.{version}.part")
    try:
        fetch(found.address, part, mind, progress)
    except AddressUnusable as error:
        raise PullFailed(
            mind, f"the hub does not send the file ({error}); try again"
        ) from error
    _refuse_wrong(part, found, mind)
    place(part, final)
    return final


def _refuse_wrong(part: Path, found: _Found, mind: str) -> None:
    try:
        if SHA256.fullmatch(found.version) and sha256_of(part) != found.version:
            raise PullFailed(
                mind, "its SHA-256 is not the one the hub names; it was thrown away, pull again"
            )
        read_model(part)
    except (PullFailed, WeightsRefused):
        part.unlink()
        raise


def _find(wanted: HubFile, mind: str) -> _Found:
    """Ask the hub where the file is, and say its refusals in one line each."""
    import huggingface_hub as hub  # noqa: PLC0415  (0.2 s, and only this needs it)
    from huggingface_hub import errors, utils  # noqa: PLC0415  (as above)

    url = hub.hf_hub_url(wanted.repo, wanted.file)
    try:
        found = hub.get_hf_file_metadata(url)
    except errors.OfflineModeIsEnabled as error:
        raise PullFailed(mind, "offline mode is on (HF_HUB_OFFLINE); turn it off") from error
    except errors.GatedRepoError as error:
        raise PullFailed(
            mind, f"{wanted.repo} is gated: ask for access on its page, then set HF_TOKEN"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise PullFailed(
            mind,
            f"the hub has no {wanted.repo}, or it is private: check the name, or set HF_TOKEN",
        ) from error
    except errors.EntryNotFoundError as error:
        raise PullFailed(
            mind, f"{wanted.repo} has no file {wanted.file}: look at the list on its page"
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise PullFailed(
            mind, f"the hub answered with HTTP {status}; try again later"
        ) from error
    except Exception as error:  # the HTTP library beneath differs from version to version
        raise PullFailed(
            mind, "the hub cannot be reached; look at the network, a proxy, or HF_ENDPOINT"
        ) from error
    if not found.etag:
        raise PullFailed(mind, "the hub does not say which version of the file it has")
    headers = utils.build_hf_headers()  # type: ignore[attr-defined]  # documented, not typed
    if urllib.parse.urlsplit(found.location).netloc != urllib.parse.urlsplit(url).netloc:
        headers.pop("authorization", None)  # another host, with a signed address
    return _Found(Address(found.location, headers), found.etag)
