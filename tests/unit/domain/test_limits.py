from fractions import Fraction

import pytest

from connector.domain.failures import SENTENCES, refused
from connector.domain.limits import SourceLimits, check_cost
from connector.domain.planner import Limits, make_plan
from connector.errors import MediaError
from tests.unit.pipeline.twin import INFO, PICTURE, SOUND

MOST = SourceLimits(minutes=2, pixels=1920 * 1080, frame_rate=60, tracks=2)


def _lasting(begin: int, picture_end: int, sound_end: int):
    picture = PICTURE.model_copy(update={"start": Fraction(begin), "end": Fraction(picture_end)})
    sound = SOUND.model_copy(update={"end": Fraction(sound_end)})
    return INFO.model_copy(update={"video": picture, "audio": (sound,)})


@pytest.mark.parametrize(
    "act",
    [
        lambda: MOST.picture(1920, 1080),
        lambda: MOST.picture(1080, 1920),
        lambda: MOST.rate(Fraction(60)),
        lambda: MOST.sound(2),
        lambda: MOST.length(_lasting(0, 120, 120)),
        lambda: MOST.length(INFO.model_copy(update={"video": None})),
    ],
    ids=["picture", "portrait", "rate", "sound", "length", "sound only"],
)
def test_what_is_within_a_limit_is_accepted(act):
    act()


@pytest.mark.parametrize(
    ("act", "code", "sentence"),
    [
        (lambda: MOST.picture(1921, 1080), "PictureTooLarge", "1921×1080 pixels; at most 2,073,600"),
        (lambda: MOST.rate(Fraction(240)), "FrameRateTooHigh", "240 frames per second; at most 60"),
        (lambda: MOST.sound(3), "TooManyTracks", "3 audio tracks; at most 2"),
        (lambda: MOST.length(_lasting(0, 121, 4)), "TooLong", "3 minutes; at most 2"),
        (lambda: MOST.length(_lasting(0, 4, 121)), "TooLong", "3 minutes"),
        (lambda: MOST.length(_lasting(-100, 4, 21)), "TooLong", "3 minutes"),
    ],
    ids=["picture", "rate", "sound", "length", "length of sound", "begin"],
)
def test_what_is_beyond_a_limit_is_refused_with_both_numbers(act, code, sentence):
    with pytest.raises(MediaError, match=sentence) as error:
        act()
    assert error.value.code == code


def test_the_cost_of_a_video_is_the_length_of_all_its_renditions():
    # 450p and 360p, and one track of sound.
    plan = make_plan(_lasting(0, 600, 600), Limits(4, 30, 2160))
    assert len(plan.renditions) == 2
    check_cost(plan, 30)
    check_cost(plan, 0)
    with pytest.raises(MediaError, match=r"30 minutes, .* at most 29") as error:
        check_cost(plan, 29)
    assert error.value.code == "TooMuchOutput"


@pytest.mark.parametrize("code", SENTENCES)
def test_every_sentence_is_one(code):
    assert SENTENCES[code][0].isupper()
    assert SENTENCES[code][-1] in ".}"


def test_a_failure_without_its_facts_is_a_mistake():
    with pytest.raises(KeyError):
        refused("TooLong")
    with pytest.raises(KeyError):
        refused("Unheard")
