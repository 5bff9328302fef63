"""Live platforms: leases, states, sweeps, refusals and posts

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("text_forgotten_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "leases",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_leases_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_leases")),
    )
    op.create_table(
        "posts",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=25), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("intended_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_posts_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", "place", "purpose", name=op.f("pk_posts")),
    )
    op.create_table(
        "refusals",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_refusals_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", "channel_id", name=op.f("pk_refusals")),
    )
    op.create_table(
        "states",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.Column("event_at", sa.BigInteger(), nullable=True),
        sa.Column("lag", sa.BigInteger(), nullable=True),
        sa.Column("fraction", sa.Double(), nullable=True),
        sa.Column("history_since", sa.BigInteger(), nullable=True),
        sa.Column("caught_up_at", sa.BigInteger(), nullable=True),
        sa.Column("swept_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_states_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_states")),
    )
    op.create_table(
        "sweeps",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("swept_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_sweeps_source_id_sources")),
        sa.PrimaryKeyConstraint(
            "source_id", "channel_id", "thread_id", "whole", "since", "until", name=op.f("pk_sweeps")
        ),
    )
    with op.batch_alter_table("sweeps", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sweeps_source_id_swept_at"), ["source_id", "swept_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_sweeps_source_id_thread_id"), ["source_id", "thread_id"], unique=False
        )


def downgrade() -> None:
    op.drop_column("messages", "text_forgotten_at")
    with op.batch_alter_table("sweeps", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sweeps_source_id_thread_id"))
        batch_op.drop_index(batch_op.f("ix_sweeps_source_id_swept_at"))

    op.drop_table("sweeps")
    op.drop_table("states")
    op.drop_table("refusals")
    op.drop_table("posts")
    op.drop_table("leases")
