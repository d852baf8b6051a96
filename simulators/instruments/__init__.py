"""The simulated instruments, each written from its own protocol sheet, independently of its driver."""
