"""Writes manifests as pure functions of a `Presentation`: HLS, DASH, Smooth Streaming, and a storyboard's WebVTT.

They are written by hand, because libraries such as m3u8 and mpegdash help with parsing; writing is short, and players
test it.
"""
