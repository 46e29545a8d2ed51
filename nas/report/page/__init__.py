"""The page itself: markup, layout, formulas."""
