"""`make demo`: starts the stack, publishes a video, prints its playback URLs and keeps serving until Ctrl-C."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import imageio_ffmpeg
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from client import ApiError, Client
from local.stack import Stack, StackError

_PROJECT = Path(__file__).parent.parent
_PORTS = {"PORT": "7071", "BLOB_PORT": "10000", "QUEUE_PORT": "10001", "TABLE_PORT": "10002"}

console = Console(highlight=False)


class DemoError(Exception):
    """Something that the person in front of the terminal can change."""


def main(arguments: list[str]) -> int:
    """The exit status."""
    data = Path(os.environ.get("DATA_DIR") or _PROJECT / ".data")
    try:
        video = _given(arguments[0]) if arguments else _sample(data)
        console.print("Starting storage, host and encoders …")
        ports = {name: os.environ.get(name, default) for name, default in _PORTS.items()}
        encoders = int(os.environ.get("ENCODERS") or os.cpu_count() or 1)
        with Stack(_PROJECT, data, encoders=encoders, env=ports, in_memory=False) as stack:
            with Client(stack.api) as client:
                published = _publish(client, video)
            console.print(f"  {'Page':<12} [b]{stack.api}/portal#{published}[/b]", soft_wrap=True)
            console.print(f"\nServing at {stack.api} until you press Ctrl-C.")
            signal.pause()
    except (DemoError, StackError, ApiError) as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True)
        return 1
    except httpx.HTTPError as error:
        console.print(f"[red]Storage or API did not answer as it should: {type(error).__name__}.[/red]")
        return 1
    return 0


def _given(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise DemoError(f"There is no file {name}.")
    return path


def _sample(data: Path) -> Path:
    """A synthetic video, made once."""
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


def _publish(client: Client, path: Path) -> str:
    """The id of the video, which is ready."""
    video = client.create(path.name)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        size = max(1, path.stat().st_size)
        sending = progress.add_task(f"Uploading {path.name}", total=size)
        client.upload(video, path, lambda sent: progress.update(sending, completed=sent))
        client.mark_complete(video.id)
        _wait(client, video.id, progress, progress.add_task("Encoding", total=100))
    done = client.get(video.id)
    shape = f"{done.width}x{done.height}, " if done.width else ""
    console.print(f"\n[b]{path.name}[/b] is ready: {shape}{done.duration} s, id {done.id}")
    for kind, url in client.playback_urls(video.id).items():
        console.print(f"  {kind:<12} {url}", soft_wrap=True)
    for thumbnail in client.thumbnails(video.id)[:1]:
        console.print(f"  {'Poster':<12} {thumbnail['Url']}", soft_wrap=True)
    return video.id


def _wait(client: Client, video_id: str, progress: Progress, task: TaskID) -> None:
    for status in client.watch(video_id):
        progress.update(task, completed=status.progress)
        if status.status == "Failed":
            raise DemoError(f"The video could not be published: {status.message}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
