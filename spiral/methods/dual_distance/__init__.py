"""How far apart two sets of pictures are, as one exact number: the dual of the logistic discriminator."""
