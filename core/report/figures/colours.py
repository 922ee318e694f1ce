"""The two colours that every figure of a report shares; both can be read on white and on black."""

GREY = "#808080"  # the baseline, and what is no system's
BLUE = "#1966cc"  # what is recommended, and what a figure is about
