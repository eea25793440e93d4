"""The rules that make every choice at first, one file a topic. Each function returns decisions with their reasons."""
