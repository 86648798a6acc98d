"""The generator, the score and everything else that runs without a broker."""
