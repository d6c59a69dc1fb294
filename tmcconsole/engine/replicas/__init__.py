"""Several engines over one fleet: Leases, election, and the fence before each write."""
