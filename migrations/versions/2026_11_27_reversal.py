"""Phase changes that were undone. Forks of before keep those that they took from their parents."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_27_reversal"
down_revision = "2026_11_27_run_order"

# As `worker.science.phase_change`: above 0.95 of the chance loss again, after the midpoint.
FIND = """
UPDATE run SET reversal = found.at FROM (
  SELECT r.id, min(m.sequences) AS at FROM run r JOIN measurement m ON m.run_id = r.id
  WHERE m.sequences > r.midpoint AND m.loss[1] < 'Infinity'
    AND m.loss[1] > 0.95 * ln(
      (r.config #>> '{task,context_pairs}')::float8 / (r.config #>> '{task,burstiness}')::float8
    )
  GROUP BY r.id
) found WHERE run.id = found.id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.add_column("run", sa.Column("reversal", sa.Double()))
    op.execute(FIND)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("run", "reversal")
