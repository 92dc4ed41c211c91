"""Values of axes as they are typed."""

import pytest

from app.services.studies.values import ValuesError, read_values, write_values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5, 6, 7", [5, 6, 7]),
        ("5..9", [5, 6, 7, 8, 9]),
        ("9 .. 7, 3", [9, 8, 7, 3]),
        ("1e-5, 3e-5,", [1e-5, 3e-5]),
        ("6e5; 300,000; 2 000 000", [600_000, 300_000, 2_000_000]),
        ("150k, 1.5M; 10k", ["150k, 1.5M", 10_000]),
        ("150k, 1.5M, -2k", [150_000, 1_500_000, -2000]),
        ("0.5, 1.0, 1", [0.5, 1.0, 1]),
        ("rotary, learned", ["rotary", "learned"]),
        ("true, off", [True, False]),
        ("5, 6; -1,000", ["5, 6", -1000]),
        ("2-3, 3-4; 0-1", ["2-3, 3-4", "0-1"]),
    ],
)
def test_values_are_read_as_people_write_them(text, values):
    assert read_values(text) == values
    assert [type(one) for one in read_values(text)] == [type(one) for one in values]
    assert read_values(write_values(values)) == values


def test_text_stays_text():
    assert read_values("gaussian, file:a..b", is_text=True) == ["gaussian", "file:a..b"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "for instance 5, 6, 7"), (" , ", "for instance"), ("1..5000", "too long")],
)
def test_what_is_no_list_of_values_is_told_so(text, sentence):
    with pytest.raises(ValuesError, match=sentence):
        read_values(text)


def test_more_values_than_a_study_can_have_are_refused():
    with pytest.raises(ValuesError, match="At most"):
        read_values("1..900, 1..900")
