"""The words of an exchange, from the bytes that passed: made behind the application's back, never on its thread."""
