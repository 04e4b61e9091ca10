"""Executes operations of any schema; knows no table and no HTTP."""
