"""PuppetGAN: one attribute of a real picture is set after a synthetic one, and the rest of it stays."""
