"""What is done about an error: strategies, their runner, the circuit breaker."""
