"""How do we show who we are? Keys, secrets that providers encrypted for us, tokens and signatures of requests."""
