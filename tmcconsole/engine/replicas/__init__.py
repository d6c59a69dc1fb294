"""Several engines sharing the targets: Leases, election, and the fence before each write."""
