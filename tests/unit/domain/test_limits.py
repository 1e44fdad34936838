import math
from fractions import Fraction

import pytest

from connector.domain.failures import SENTENCES, media_error
from connector.domain.limits import MAX_BLOCKS, SourceLimits, check_blocks, check_cost, progressive_blocks
from connector.domain.planner import Limits, make_plan, sound_segments
from connector.errors import MediaError
from tests.fakes.media import INFO, PICTURE, SOUND

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
        media_error("TooLong")
    with pytest.raises(KeyError):
        media_error("Unheard")


def _plan(seconds, *, picture=True, sound=True):
    info = _lasting(0, seconds, seconds)
    gone = {} if picture else {"video": None}
    return make_plan(info.model_copy(update=gone if sound else {"audio": ()}), Limits(1, 30, 2160))


@pytest.mark.parametrize(
    ("shown", "longest", "minutes"),
    [
        # 24,999 segments of picture and of sound each; the first is half as long: 24,998.5 s.
        ({}, 24_998, 416),
        ({"sound": False}, 49_998, 833),
        ({"picture": False}, 49_998, 833),
    ],
    ids=["both", "picture", "sound"],
)
def test_no_more_blocks_are_planned_than_the_progressive_file_can_have(shown, longest, minutes):
    last = _plan(longest, **shown)
    assert MAX_BLOCKS - 2 <= progressive_blocks(last, 1) <= MAX_BLOCKS
    check_blocks(last, 1)
    sentence = f"lasts {minutes + 1} minutes; at most {minutes} are accepted"
    with pytest.raises(MediaError, match=sentence) as error:
        check_blocks(_plan(longest + 1, **shown), 1)
    assert error.value.code == "TooLong"


@pytest.mark.parametrize("seconds", [1, 1.2, 4, 7.96, 100])
@pytest.mark.parametrize("shown", [{}, {"sound": False}, {"picture": False}], ids=["both", "picture", "sound"])
def test_blocks_are_counted_as_the_tasks_make_them(seconds, shown):
    plan = _plan(Fraction(seconds).limit_denominator(25), **shown)
    head, length = sound_segments(plan, 1)
    begins = [0, *(head + n * length for n in range(200))]
    frames = math.ceil(plan.duration * 48_000 / 1024)  # of AAC: each segment begins at the first one from its place on
    made = len({math.ceil(begin * 48_000 / 1024) for begin in begins} & set(range(frames)))
    assert progressive_blocks(plan, 1) == 1 + (plan.segments if plan.frames else 0) + (made if plan.audio else 0)
