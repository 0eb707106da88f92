"""Language models: what is known of them, and the one adapter that reaches them."""
