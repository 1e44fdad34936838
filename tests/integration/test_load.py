"""Several videos at once: all are published. How quick the API stays meanwhile, `python -m bench.load` measures."""

import pytest

from bench.load import run

pytestmark = [pytest.mark.media, pytest.mark.azurite]


def test_videos_published_at_once_are_all_ready_in_the_end(tmp_path):
    found = run(tmp_path, 8, 0.5)
    assert list(found.final.values()) == ["Completed"] * 8
