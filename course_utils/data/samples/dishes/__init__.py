"""What the drawn Food-11 pictures are made of: tables and plates, and eleven kinds of dish."""
