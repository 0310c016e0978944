"""Translation via restricted information flow: which factors two kinds of picture share is learned from them alone."""
