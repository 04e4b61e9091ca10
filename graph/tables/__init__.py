"""What any table's API is made of: types, inputs, pages and the SQL behind them."""
