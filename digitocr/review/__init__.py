"""What people settle, and what becomes of it; without HTTP."""
