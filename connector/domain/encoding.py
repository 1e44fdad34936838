"""Chooses how x264 encodes a rendition, apart from picture size and frame rate. Pure.

The figures behind each choice are in bench/RESULTS.md ("Quality for bytes"), measured by `python -m bench.quality`.
"""

from connector.domain.plan import Rendition

BUFFER_SECONDS = 2

NO_MORE_B_FRAMES = frozenset({"ultrafast", "veryslow", "placebo"})
"""Presets without extra B-frames here: they have none at all, or more by themselves."""
LARGE_LINES = 1080
"""Lines of the shorter side up to which more pictures may wait in the encoder.

Waiting pictures fill most of the memory, and a task must fit into a small instance.
"""


def x264_options(rendition: Rendition, gop: int, preset: str) -> dict[str, str]:
    """Returns FFmpeg's options of libx264 for segments of `gop` frames."""
    params = {"open-gop": "0", "stitchable": "1"} | tuned(preset, min(rendition.width, rendition.height))
    return {
        "preset": preset,
        "profile": "high",
        "crf": str(rendition.crf),
        "maxrate": str(rendition.maxrate),
        "bufsize": str(rendition.maxrate * BUFFER_SECONDS),
        # Each segment begins with an IDR frame, and there are no others.
        "keyint_min": str(gop),
        "sc_threshold": "0",
        "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
    }


def tuned(preset: str, lines: int) -> dict[str, str]:
    """Returns the x264 parameters that pay off beside the preset, for pictures whose shorter side is `lines` px."""
    # Flat and dark areas still get more than their share of bits, but fewer than with x264's default of 1.
    params = {"aq-strength": "0.7"}
    if preset not in NO_MORE_B_FRAMES:
        params["bframes"] = "5"
    if preset == "veryfast":
        # The next slower presets use trellis as well; it is a small part of their cost.
        params["trellis"] = "1"
        if lines <= LARGE_LINES:
            # Noisy pictures need it. Without it they spend their buffer at the beginning of each segment and lack bits
            # at its end.
            params["rc-lookahead"] = "20"
    return params
