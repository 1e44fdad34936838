"""Uploads a file of any size to a SAS URL in blocks (Put Block, Put Block List of the Blob service)."""

import base64
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx

BLOCK = 8 * 1024 * 1024
MAX_BLOCKS = 50_000


def upload(http: httpx.Client, uri: str, path: Path, progress: Callable[[int], None]) -> None:
    """Raises httpx.HTTPStatusError when storage refuses. At most one block is in memory."""
    size = path.stat().st_size
    # Larger files have larger blocks: there may be 50,000 of them.
    length = max(BLOCK, -(-size // MAX_BLOCKS))
    url = httpx.URL(uri)
    ids: list[str] = []
    with path.open("rb") as file:
        while block := file.read(length):
            name = base64.b64encode(f"{len(ids):06d}".encode()).decode()
            target = url.copy_merge_params({"comp": "block", "blockid": name})
            http.put(target, content=block).raise_for_status()
            ids.append(name)
            progress(file.tell())
    blocks = ET.Element("BlockList")
    for name in ids:
        ET.SubElement(blocks, "Latest").text = name
    http.put(url.copy_merge_params({"comp": "blocklist"}), content=ET.tostring(blocks)).raise_for_status()
