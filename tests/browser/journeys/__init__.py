"""What whole people do, from where they come in to what they wanted."""
