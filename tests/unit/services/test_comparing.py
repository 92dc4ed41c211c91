"""Labels of groups are their names as well: in the legend, in links and in downloads."""

from app.services.compare.comparison import distinct


def test_long_labels_that_begin_alike_stay_apart():
    begin = "word " * 30

    assert distinct(["a", begin + "1", begin + "2"]) == [
        "a",
        f"{begin[:79]}… (1)",
        f"{begin[:79]}… (2)",
    ]
