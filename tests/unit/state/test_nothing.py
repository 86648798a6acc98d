"""What subjects share while they have nothing of it cannot become what one of them has."""

import pytest

from streams.state.nothing import NO_DICT, NO_LIST, NO_SET
from streams.state.subject import Subject


def test_nothing_can_be_put_into_what_all_share() -> None:
    with pytest.raises(AttributeError):
        NO_LIST.append(1)
    with pytest.raises(TypeError):
        NO_DICT["key"] = 1
    with pytest.raises(AttributeError):
        NO_DICT.setdefault("key", 1)
    with pytest.raises(AttributeError):
        NO_SET.add(1)
    NO_SET.clear()
    assert (list(NO_LIST), dict(NO_DICT), set(NO_SET)) == ([], {}, set())


def test_a_subject_that_was_read_back_has_room_for_its_hits_and_a_new_one_shares() -> None:
    new, read_back = Subject(1, "a"), Subject(1, "b")
    read_back.reload([])
    assert (new.hits, new.by_key, new.dirty, new.sent) == (NO_LIST, NO_DICT, NO_SET, NO_DICT)
    read_back.by_key.setdefault("key", []).append("hit")  # type: ignore[arg-type]
    read_back.hits.append("hit")  # type: ignore[arg-type]
    read_back.dirty.add("key")  # type: ignore[arg-type]
    assert (len(new.hits), len(new.by_key), len(new.dirty)) == (0, 0, 0)
