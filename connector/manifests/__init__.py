"""Manifests as pure functions of a `Presentation`: HLS, DASH, Smooth Streaming, and a storyboard's WebVTT."""
