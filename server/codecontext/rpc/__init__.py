"""What the language server and the service share: messages, transport and the client that starts the service."""
