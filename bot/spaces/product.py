"""Product: its labels and its metrics."""

from bot.spaces.model import Area, Label

LABELS = (
    Label(
        "product_idea", Area.PRODUCT, "Product idea", "A wish for something that the product does not do yet."
    ),
    Label("bug_report", Area.PRODUCT, "Bug report", "A report that the product does not do what it should."),
)
