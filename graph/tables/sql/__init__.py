"""SQL for any table: conditions, orders, pages."""
