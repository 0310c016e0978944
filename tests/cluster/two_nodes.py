"""Two Ray nodes on this machine until the input ends; the first line that it prints is the address of their job server.

The second one says that it has a GPU, which decides where processes are put, and which none of them finds there.
It is a process of its own, so that a Ray that the tests have in theirs, with another token, is none of its business.
"""

from __future__ import annotations

import sys
from typing import Any

from ray.cluster_utils import Cluster

MEMORY: dict[str, Any] = {"object_store_memory": 100 * 2**20}
HEAD = {"num_cpus": 1, "include_dashboard": True, "dashboard_agent_listen_port": 0}

cluster: Any = Cluster(initialize_head=True, head_node_args=HEAD | MEMORY)
cluster.add_node(num_cpus=2, num_gpus=1, **MEMORY)
print(f"http://{cluster.webui_url}", flush=True)
sys.stdin.read()
cluster.shutdown()
