"""Has the province got it, and in time? The cut, the outbox, the messages, the receipts and what became of them."""
