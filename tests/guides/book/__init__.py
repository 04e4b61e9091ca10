"""Replaces `graph/hero` in the guide "Replace Hero by another model"."""
