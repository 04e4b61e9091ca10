"""What the walk "Replace Hero by another model" puts in the place of `graph/hero`."""
