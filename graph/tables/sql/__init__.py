"""The SQL of any table: conditions, orders, pages."""
