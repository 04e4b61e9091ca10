"""Sessions and transactions; knows no GraphQL."""
