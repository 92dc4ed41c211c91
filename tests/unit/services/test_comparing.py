"""Labels of groups are their names as well: in the legend, in links and in downloads."""

from app.services.compare.comparison import LONGEST_GROUP, distinct


def test_long_labels_stay_apart_by_their_ends_or_by_a_number():
    words = "word " * 30
    one, other = distinct([f"{words}seed 1", f"{words}seed 2"])
    assert (one[-7:], other[-7:]) == (" seed 1", " seed 2")
    assert max(len(one), len(other)) <= LONGEST_GROUP

    alike = distinct(["a", f"{words}1 {words}", f"{words}2 {words}"])
    assert [label[-4:] for label in alike[1:]] == [" (1)", " (2)"]
