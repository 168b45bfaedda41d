# redis-py as a client of a cluster, or by Sentinel: commands come line by line, answers go line by line.
import logging
import sys

import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.sentinel import Sentinel

logging.disable(logging.CRITICAL)
how, addrs = sys.argv[1], [a.rsplit(":", 1) for a in sys.argv[2:]]


def open_client():
    if how == "cluster":
        nodes = [ClusterNode(host, int(port)) for host, port in addrs]
        return RedisCluster(startup_nodes=nodes, decode_responses=True)
    sentinel = Sentinel([(host, int(port)) for host, port in addrs])
    return sentinel.master_for("caucus", decode_responses=True)


client = open_client()
for line in sys.stdin:
    word, key, *rest = line.rstrip("\n").split(" ", 2)
    try:
        client = client or open_client()
        answer = client.set(key, rest[0]) if word == "SET" else client.get(key)
        print(f"+{answer}", flush=True)
    except (redis.exceptions.RedisError, redis.exceptions.RedisClusterException) as error:
        if isinstance(error, redis.exceptions.RedisClusterException):
            client = None  # version 4.3 cannot look again when a node that it was told of is gone
        print(f"-{type(error).__name__} {error}".replace("\n", " "), flush=True)
