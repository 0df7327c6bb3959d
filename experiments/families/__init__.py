"""What is known of every family of models: its knob, its ladder, and whether it was tried here."""
