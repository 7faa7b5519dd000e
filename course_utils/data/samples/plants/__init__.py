"""What the drawn seedlings are made of: soil, leaves, and twelve species."""
