"""How to reach an API server: kubeconfig, credentials, TLS and HTTP."""
