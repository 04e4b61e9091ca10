"""How fast the service is, next to what its users could run instead."""
