"""Rows of older versions can still be read."""

import json

from connector.domain.task import TaskResult

CHUNK = """{"encode": {"renditions": [{"id": 1250000, "init": "0000001c66747970", "segments": [
{"t": 0, "d": 480000, "s": 61234, "k": 20411}, {"t": 480000, "d": 960000, "s": 101010, "k": 30123}]}],
"poster": {"time": 1.52, "score": 0.618034, "name": "posters/000003.jpg"}, "tiles": 4, "damaged": 0}, "split": null}"""
SPLIT = """{"encode": null, "split": {"pieces": [{"name": "pieces/000000.nut", "start": "7/5"},
{"name": "pieces/000001.nut", "start": "1001/100"}], "ends": {"0": "62", "1": "6199/100"}}}"""
"""Results as version 0.2 wrote them: posters and pieces had names."""


def test_a_chunk_s_result_of_version_0_2_is_read_without_its_name():
    encode = TaskResult.model_validate_json(CHUNK).encode
    assert (encode.poster.time, encode.poster.score, encode.tiles) == (1.52, 0.618034, 4)
    assert [s.time for s in encode.renditions[0].segments] == [0, 480_000]
    assert "posters" not in encode.model_dump_json()


def test_a_split_s_result_of_version_0_2_is_read_without_its_names():
    split = TaskResult.model_validate_json(SPLIT).split
    assert [str(piece.start) for piece in split.pieces] == ["7/5", "1001/100"]
    assert sorted(split.ends) == [0, 1]
    assert "nut" not in json.dumps(split.model_dump(mode="json"))
