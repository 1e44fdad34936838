"""`python -m scripts.screenshots`: pictures of the portal, of every state, wide and narrow, dark and light.

They go to `.data/screenshots`, to be looked at; one of them becomes `docs/portal.png`, which the README shows. Needs
what the browser tests need.
"""

import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
from playwright.sync_api import Browser, Page, sync_playwright

from client import Client
from local.stack import Stack

PROJECT = Path(__file__).parent.parent
FOLDER = PROJECT / ".data" / "screenshots"
CHOSEN = PROJECT / "docs" / "portal.png"
WIDTHS = {"desktop": 1280, "phone": 360}
SAMPLES = {
    "harbour.mp4": ("gradients=s=1280x720:r=25:d=12:speed=0.02:n=5:seed=7:type=spiral", "Harbour at dusk", ("travel",)),
    "coastline.mov": ("mandelbrot=s=640x360:r=25:start_scale=0.9:end_scale=0.02:end_pts=125,trim=duration=5",
                      "The longest coastline", ("maths", "travel")),
    "signals.mkv": ("testsrc2=s=640x360:r=25:d=4", "Signals", ("lab",)),
    "dunes.mp4": ("gradients=s=640x360:r=25:d=4:c0=0xe9b872:c1=0x90323d:c2=0x5e3023:speed=0.03:seed=3", "Dunes", ()),
    "interview-cut-3.mp4": ("smptehdbars=s=640x360:r=25:d=5", "", ()),
}  # fmt: skip
PROTECTED = "dunes.mp4"
_STATES = ("library", "encoding", "player", "protected", "failed", "upload", "delete", "sign-in", "embed")


def sample(folder: Path, name: str) -> Path:
    """The file of that name, made from FFmpeg's own generators."""
    path = folder / name
    if not path.is_file():
        picture, _, _ = SAMPLES[name]
        sound = "anoisesrc=d=5:a=0.05:c=brown"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi"]
        command += ["-i", sound, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
        subprocess.run([*command, str(path)], check=True)
    return path


def publish(client: Client, folder: Path) -> dict[str, str]:
    """Ids by name of all samples, the last of which is broken, published and described."""
    ids = {}
    broken = folder / "holiday <1>.avi"
    broken.write_bytes(b"this is no video " * 4096)
    for path in (broken, *(sample(folder, name) for name in reversed(SAMPLES))):
        _, title, tags = SAMPLES.get(path.name, ("", "", ()))
        about = {"title": title, "tags": tags, "description": "Made for a picture." if title else ""}
        video = client.create(path.name, protect=path.name == PROTECTED, **about)  # type: ignore[arg-type] # a dict of both
        client.upload(video, path)
        client.mark_complete(video.id)
        list(client.watch(video.id, every=0.3))
        ids[path.name] = video.id
    return ids
