"""People talk to it: digests posted, goals, observations, changes of tags, opt-outs; topic tags and probabilities

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "digests",
        sa.Column("schedule", sa.String(length=64), nullable=False),
        sa.Column("first", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("schedule", "first", name=op.f("pk_digests")),
    )
    op.create_table(
        "goals",
        sa.Column("metric", sa.String(length=64), nullable=False),
        sa.Column("target", sa.Double(), nullable=False),
        sa.Column("due", sa.String(length=10), nullable=False),
        sa.Column("begun", sa.String(length=10), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("metric", name=op.f("pk_goals")),
    )
    op.create_table(
        "observations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("of", sa.Double(), nullable=True),
        sa.Column("first", sa.String(length=10), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observations")),
    )
    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_observations_kind_first"), ["kind", "first"], unique=False)

    op.create_table(
        "tag_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("before", sa.Boolean(), nullable=True),
        sa.Column("after", sa.Boolean(), nullable=True),
        sa.Column("decider", sa.Text(), nullable=False),
        sa.Column("via", sa.String(length=8), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_changes")),
    )
    with op.batch_alter_table("tag_changes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tag_changes_source_id_external_id"), ["source_id", "external_id"], unique=False
        )

    op.create_table(
        "opt_outs",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_opt_outs_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", "external_id", name=op.f("pk_opt_outs")),
    )
    op.add_column("messages", sa.Column("marks", sa.Text(), nullable=True))
    op.add_column("tags", sa.Column("probability", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("tags", "probability")
    op.drop_column("messages", "marks")

    op.drop_table("opt_outs")
    with op.batch_alter_table("tag_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tag_changes_source_id_external_id"))

    op.drop_table("tag_changes")
    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_observations_kind_first"))

    op.drop_table("observations")
    op.drop_table("goals")
    op.drop_table("digests")
