"""The agent, the losses, the rewards and the data of SPIRAL (Ganin et al., 2018)."""
