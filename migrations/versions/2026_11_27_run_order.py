"""Lists of a million runs: indexes for what they are sorted by and for words in names.

The table is written anew for its generated columns, and the index of words reads every run: a
minute or two for a million runs, in which nothing else can write to them. `CREATE INDEX
CONCURRENTLY` would not help with the first, and cannot be part of one transaction.
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_27_run_order"
down_revision = "2026_11_27_webhooks"

HAS_ENDED = "state IN ('finished', 'failed', 'cancelled')"
# Kept apart from what trainings write: only columns that no index has can change cheaply (HOT).
FINAL = {
    "final_train_loss": f"CASE WHEN {HAS_ENDED} THEN nullif(train_loss, 'NaN') END",
    "final_midpoint": f"CASE WHEN {HAS_ENDED} THEN nullif(midpoint, 'NaN') END",
    "final_progress": (
        f"CASE WHEN {HAS_ENDED} "
        "THEN sequences::double precision / total_sequences::double precision END"
    ),
}
CLAMPS = "jsonb_array_length(config['program'])"  # as SQLAlchemy asks for it

# All parts of a text of up to three characters, in small letters, that have no blank in them. The
# bodies are parsed here, not when they are called: they need no search path.
PIECES = """
CREATE FUNCTION search_pieces(words text, shortest integer) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000
RETURN ARRAY(
  SELECT DISTINCT piece
  FROM (
    SELECT letter AS one, lead(letter) OVER places AS two, lead(letter, 2) OVER places AS three
    FROM unnest(string_to_array(lower(words), NULL)) WITH ORDINALITY AS letters (letter, place)
    WINDOW places AS (ORDER BY place)
  ) AS letters, LATERAL (VALUES (one), (one || two), (one || two || three)) AS pieces (piece)
  WHERE length(piece) >= shortest AND strpos(piece, ' ') = 0
)
"""
# Those of what a run is searched by, and the beginning of its id, which is longer than a piece.
RUN_PIECES = """
CREATE FUNCTION run_search_pieces(id text, name text, notes text, tags text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000
RETURN search_pieces(name || ' ' || notes || ' ' || array_to_string(tags, ' '), 1) || left(id, 4)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than wait for the table
    op.execute(PIECES)
    op.execute(RUN_PIECES)
    added = ", ".join(
        f"ADD COLUMN {name} double precision GENERATED ALWAYS AS ({value}) STORED"
        for name, value in FINAL.items()
    )
    op.execute(f"ALTER TABLE run {added}")  # at once: the table is written once
    for name in FINAL:
        op.create_index(f"ix_run_{name}_id", "run", [name, "id"])
    op.create_index("ix_run_name_id", "run", ["name", "id"])
    op.create_index("ix_run_clamps_id", "run", [sa.text(CLAMPS), "id"])
    op.create_index("ix_run_state_id", "run", ["state", "id"])
    op.create_index(
        "ix_run_search_pieces",
        "run",
        [sa.text("run_search_pieces(id, name, notes, tags)")],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_run_search_pieces", table_name="run")
    op.drop_index("ix_run_state_id", table_name="run")
    op.drop_index("ix_run_clamps_id", table_name="run")
    op.drop_index("ix_run_name_id", table_name="run")
    for name in FINAL:
        op.drop_column("run", name)  # and its index
    op.execute("DROP FUNCTION run_search_pieces")
    op.execute("DROP FUNCTION search_pieces")
