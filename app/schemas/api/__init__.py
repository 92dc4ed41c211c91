"""What the API is asked and answers, and the messages between web and worker."""
