"""Starts the stack, publishes a video, prints its playback URLs and serves it until Ctrl-C: `make demo`."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio_ffmpeg
from rich.console import Console

from client import Client, ClientError
from client.api import EARLY_ENDPOINTS
from client.cli.display import Display
from client.journal import Journals
from client.publish import Publication, PublishOptions
from client.upload import Source
from local.stack import Stack, StackError

_PROJECT = Path(__file__).parent.parent
_PORTS = {"PORT": "7071", "BLOB_PORT": "10000", "QUEUE_PORT": "10001", "TABLE_PORT": "10002"}

console = Console(highlight=False)


def main(arguments: list[str]) -> int:
    """Runs the demo and returns the exit status."""
    data = Path(os.environ.get("DATA_DIR") or _PROJECT / ".data")
    try:
        video = Source.of(Path(arguments[0])).path if arguments else _sample(data)
        console.print("Starting storage, host and encoders …")
        ports = {name: os.environ.get(name, default) for name, default in _PORTS.items()}
        encoders = int(os.environ.get("ENCODERS") or os.cpu_count() or 1)
        with Stack(_PROJECT, data, encoders=encoders, env=ports, in_memory=False) as stack:
            with Client(stack.api) as client:
                published = _publish(client, video, Journals(data / "uploads"))
            console.print(f"  {'Page':<12} [b]{stack.api}/portal#{published}[/b]", soft_wrap=True)
            console.print(f"\nServing at {stack.api} until you press Ctrl-C.")
            signal.pause()
    except (StackError, ClientError) as error:
        Display(console).note(str(error), "red")
        return 1
    return 0


def _sample(data: Path) -> Path:
    """Returns a synthetic video, which is made at the first start only."""
    path = data / "sample.mp4"
    if not path.is_file():
        data.mkdir(parents=True, exist_ok=True)
        console.print("Making a sample video …")
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        picture = "testsrc2=size=1280x720:rate=30:duration=24"
        sound = "aevalsrc='0.2*sin(2*PI*(220+110*floor(mod(t,4)))*t)':sample_rate=48000:duration=24"
        temporary = path.with_suffix(".part.mp4")
        inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
        codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac"]
        subprocess.run([ffmpeg, "-y", "-v", "error", *inputs, *codecs, str(temporary)], check=True)
        temporary.replace(path)
    return path


def _publish(client: Client, path: Path, journals: Journals) -> str:
    """Publishes the file, waits until the video is ready, and returns its id."""
    display = Display(console)
    publication = Publication(client, path, PublishOptions(), journals)
    size = publication.source.size
    with display.bytes(f"Uploading {path.name}") as bar:
        uploaded = publication.upload(lambda sent: bar(sent, size))
    begin = time.monotonic()

    def playable() -> None:
        display.note(
            f"\n{path.name} can be played {time.monotonic() - begin:.1f} s after its upload, while it is encoded:"
        )
        for kind, url in client.playback_urls(uploaded.video_id, EARLY_ENDPOINTS, early=True).items():
            display.note(f"  {kind:<12} {url}")
        display.note(f"  {'Page':<12} {client.base}/portal#{uploaded.video_id}\n")

    with display.percent("Encoding") as percent:
        uploaded.wait(percent, playable)
    uploaded.forget()
    done = client.get(uploaded.video_id)
    shape = f"{done.width}x{done.height}, " if done.width else ""
    display.note(f"\n{path.name} is ready: {shape}{done.duration} s, id {done.id}")
    for kind, url in client.playback_urls(done.id).items():
        display.note(f"  {kind:<12} {url}")
    for thumbnail in client.thumbnails(done.id)[:1]:
        display.note(f"  {'Poster':<12} {thumbnail['Url']}")
    return done.id


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
