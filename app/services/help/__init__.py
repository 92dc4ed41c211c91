"""What explains the program: the guide and the reference of the API."""
