"""One Kubernetes API server, real or simulated: credentials, client, discovery, informer."""
