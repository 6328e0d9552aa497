"""What one term of office owns: made when it begins, dropped when it ends."""
