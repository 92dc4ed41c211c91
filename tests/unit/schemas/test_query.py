"""The language of queries: every text is a tree or an error with a place, every tree is a text."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.schemas.query.errors import QueryError
from app.schemas.query.parser import DEEPEST, LONGEST, MOST_TERMS, parse
from app.schemas.query.tree import (
    OPERATORS,
    Conjunction,
    Disjunction,
    FieldComparison,
    Negation,
    Node,
    QueryPiece,
    Words,
    written,
)


def words(text: str) -> Words:
    return Words(QueryPiece(text))


def compared(name: str, operator: str, *values: str) -> FieldComparison:
    return FieldComparison(QueryPiece(name), operator, tuple(map(QueryPiece, values)))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  \t ", None),
        ("seed", words("seed")),
        ("two words", Conjunction((words("two"), words("words")))),
        (
            "keep, fig-5 L1H0/x@50k!",
            Conjunction(tuple(map(words, ["keep,", "fig-5", "L1H0/x@50k!"]))),
        ),
        ('"two words"', words("two words")),
        (r'"a \"b\" \\"', words(r'a "b" \\'[:-1])),
        ("state:finished", compared("state", ":", "finished")),
        ("state : finished , failed", compared("state", ":", "finished", "failed")),
        ('tag:"fig 5,6",b', compared("tag", ":", "fig 5,6", "b")),
        ("learning_rate<1e-4", compared("learning_rate", "<", "1e-4")),
        ("sequences >= 300,000", compared("sequences", ">=", "300,000")),
        ("a!=b", compared("a", "!=", "b")),
        ('name~"seed 5"', compared("name", "~", "seed 5")),
        ("min(loss.train) < .1", compared("loss.train.min", "<", ".1")),
        ("MAX(loss.train)=1", compared("loss.train.max", "=", "1")),
        ("last(loss.train)=1", compared("loss.train", "=", "1")),
        ("at( loss.train , 50k )=1", compared("loss.train@50k", "=", "1")),
        ("created>=2026-11-01T12:30", compared("created", ">=", "2026-11-01T12:30")),
        ("a or b c", Disjunction((words("a"), Conjunction((words("b"), words("c")))))),
        ("a and b or c", Disjunction((Conjunction((words("a"), words("b"))), words("c")))),
        ("(a or b) c", Conjunction((Disjunction((words("a"), words("b"))), words("c")))),
        ("not a b", Conjunction((Negation(words("a")), words("b")))),
        ("NOT (a OR not b)", Negation(Disjunction((words("a"), Negation(words("b")))))),
        ("nothing android", Conjunction((words("nothing"), words("android")))),
    ],
)
def test_a_text_is_read(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "offset", "length", "said"),
    [
        ("state:", 6, 0, "Write a value after the :"),
        ("state: )", 7, 1, "Write a value after the :"),
        ("tag:a,", 6, 0, "Write a value after the :"),
        ("< 3", 0, 1, "Write a field before this"),
        ('"name":x', 6, 1, "A field is written without quotes"),
        ("a or", 4, 0, "Something is missing here"),
        ("a or or b", 5, 2, "Something is missing here"),
        ("and b", 0, 3, "Something is missing here"),
        ("not", 3, 0, "Something is missing here"),
        ("()", 1, 1, "Something is missing here"),
        ("a (b", 2, 1, "This ( is not closed"),
        ("a b)", 3, 1, "There is no ( before this )"),
        ('name~"a b', 5, 1, "This quote is not closed"),
        ("x mun(loss.train)<1", 2, 3, "There is no function 'mun'; there are min, max, last, at."),
        ("min()<1", 4, 0, "A measure is missing here"),
        ("at(loss.train)<1", 13, 1, "Write a place after a comma"),
        ("at(loss.train,)<1", 14, 0, "A place is missing here"),
        ("min(loss.train, 3)<1", 14, 1, "min() takes a measure"),
        ("a\0b", 0, 0, "NUL"),
        ("(" * (DEEPEST + 2), DEEPEST + 1, 1, "nested more than"),
        ("x" * (LONGEST + 1), LONGEST, 0, "at most 2,000 characters"),
        ("x " * (MOST_TERMS + 1), 2 * MOST_TERMS, 0, "at most 50 words"),
        ("x:" + "1," * MOST_TERMS + "1", 2 + 2 * MOST_TERMS, 0, "at most 50 words"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(text, offset, length, said):
    with pytest.raises(QueryError, match=re.escape(said)) as caught:
        parse(text)

    assert (caught.value.offset, caught.value.length) == (offset, length)


def test_an_unknown_function_is_told_the_nearest_one():
    with pytest.raises(QueryError, match=r"Did you mean min\?") as caught:
        parse("mins(loss.train) < 1")

    assert caught.value.suggestion == "min"


def test_pieces_know_where_they_stand():
    tree = parse('  min(loss.train) < .1 tag:"a b", c')

    assert isinstance(tree, Conjunction)
    loss, tag = tree.parts
    assert (loss.name.offset, loss.name.length, loss.values[0].offset) == (2, 15, 20)
    assert [(one.offset, one.length) for one in tag.values] == [(27, 5), (34, 1)]


SIGNS = st.sampled_from(
    [*'()"\\:=<>~!,@ .-', "and ", "or ", "not ", "min(", "at(", "1e-4", "state"]
)
TEXTS = st.text(max_size=60) | st.lists(SIGNS | st.text(max_size=3), max_size=30).map("".join)
SOUND = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
PIECES = st.builds(QueryPiece, st.text(SOUND, max_size=8) | st.sampled_from(["or", "AND", "not"]))
NAMES = st.builds(QueryPiece, st.from_regex(r"[a-z_]+(\.[a-z]+)*(@\d+k?)?", fullmatch=True)).filter(
    lambda piece: piece.text not in ("and", "or", "not")
)
COMPARISONS = st.builds(
    lambda name, operator, values: FieldComparison(
        name, operator, tuple(values if operator == ":" else values[:1])
    ),
    NAMES,
    st.sampled_from(OPERATORS),
    st.lists(PIECES, min_size=1, max_size=3),
)
TREES = st.recursive(
    st.builds(Words, PIECES) | COMPARISONS,
    lambda inner: (
        st.builds(Negation, inner)
        | st.builds(Conjunction, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Disjunction, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)


def read_or_error(text: str) -> Node | QueryError | None:
    try:
        return parse(text)
    except QueryError as error:
        return error


@given(TEXTS)
@example("a" * LONGEST)
def test_any_text_is_a_tree_or_an_error_within_the_text(text):
    read = read_or_error(text)

    if isinstance(read, QueryError):
        assert str(read)
        assert 0 <= read.offset <= read.offset + read.length <= len(text)
    else:
        assert read is None or parse(written(read)) == read


@given(TREES)
def test_a_tree_that_is_written_is_read_again(tree):
    assert parse(written(tree)) == tree
