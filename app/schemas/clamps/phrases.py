"""Words for sites, of which the sentences of clamps are made."""

from app.schemas.clamps.site import HEAD_POINTS, LAYERLESS_POINTS, Point, Positions, Site
from app.schemas.words import enumerate_words, grouped, head_name, layer_name


def subject(site: Site, heads: int) -> str:
    """`Layer 2, head 3`, `All heads of layer 1`."""
    touched, layer = site.heads_of(heads), site.layer or 0
    if len(touched) == heads:
        return f"All heads of {layer_name(layer).lower()}"
    if len(touched) == 1:
        return head_name(layer, touched[0])
    return f"{layer_name(layer)}, heads {enumerate_words([str(h) for h in touched])}"


def many(site: Site, heads: int) -> bool:
    """Whether several heads are meant."""
    return len(site.heads_of(heads)) > 1


_THINGS = {
    Point.EMBED: "the embedding",
    Point.Q_INPUT: "what the queries are made from",
    Point.K_INPUT: "what the keys are made from",
    Point.V_INPUT: "what the values are made from",
    Point.Q: "the queries",
    Point.K: "the keys",
    Point.V: "the values",
    Point.SCORE: "the attention scores",
    Point.PATTERN: "the attention pattern",
    Point.Z: "what is attended to",
    Point.ATTN_OUT: "what attention writes",
    Point.RESID: "the residual stream after it",
    Point.LOGITS: "the logits",
}
ROLES = {
    Positions.ALL: "",
    Positions.QUERY: " at the query",
    Positions.LABELS: " at label tokens",
    Positions.EXEMPLARS: " at exemplar tokens",
}


def place(site: Site, heads: int) -> str:
    """`Layer 2, head 3: the values`."""
    thing = f"{_THINGS[site.point]}{ROLES[site.positions]}"
    if site.point in LAYERLESS_POINTS:
        return thing.capitalize()
    who = subject(site, heads) if site.point in HEAD_POINTS else layer_name(site.layer or 0)
    return f"{who}: {thing}"


def site_words(site: Site) -> str:
    """`layer 2, head 3: the values`: what the text form says, whatever the model."""
    thing = f"{_THINGS[site.point]}{ROLES[site.positions]}"
    if site.point in LAYERLESS_POINTS:
        return thing
    who = "every layer" if site.layer is None else layer_name(site.layer).lower()
    if site.heads is not None:
        numbers = enumerate_words([str(head) for head in site.heads])
        who += f", head{'s' if len(site.heads) > 1 else ''} {numbers}"
    return f"{who}: {thing}"


def verb(site: Site) -> str:
    """`is` or `are`, for what is at the site."""
    plural = site.point in (Point.Q, Point.K, Point.V, Point.SCORE, Point.LOGITS)
    return "are" if plural else "is"


def layer_of(site: Site) -> str:
    """`layer 1`."""
    return layer_name(site.layer or 0).lower()


def checkpoint_words(text: str) -> str:
    """`run 8kq2m4x7vd at 5,024 sequences`, or the file."""
    run, at, sequences = text.rpartition("@")
    is_run = at and sequences.isdigit()
    return f"run {run} at {grouped(int(sequences))} sequences" if is_run else text


def attend(site: Site, heads: int) -> str:
    """`attend` or `attends`, for the heads of the site."""
    return "attend" if many(site, heads) else "attends"


def stopped(is_stopped: bool) -> str:
    """What is said of a reference that is not trained through."""
    return ", without gradient" if is_stopped else ""
