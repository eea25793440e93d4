"""The choices that rules make: one file a topic, each of whose functions returns decisions with their reasons."""
