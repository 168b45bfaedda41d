// node-redis by Sentinel, or before version 5, which has none, as a client of a cluster: commands come line by
// line, answers go line by line.
const readline = require('readline');
const { createCluster, createSentinel } = require('redis');

const addrs = process.argv.slice(2).map((addr) => addr.split(':'));

async function open() {
  const client = createSentinel
    ? createSentinel({ name: 'caucus', sentinelRootNodes: addrs.map(([host, port]) => ({ host, port: Number(port) })) })
    : createCluster({
      rootNodes: addrs.map(([host, port]) => ({ url: `redis://${host}:${port}` })),
      // Else a command waits for ever for a node that is gone.
      defaults: { socket: { reconnectStrategy: () => new Error('the node is gone') } },
    });
  client.on('error', () => {}); // what it means for a command is told by the command
  await client.connect();
  return client;
}

async function main() {
  let client = await open();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [word, key, ...rest] = line.split(' ');
    try {
      client = client || await open();
      const answer = word === 'SET' ? await client.set(key, rest.join(' ')) : await client.get(key);
      console.log(`+${answer}`);
    } catch (error) {
      if (client && !createSentinel) {
        client.disconnect().catch(() => {});
        client = null; // that version never looks again where the nodes are
      }
      addrs.push(addrs.shift()); // and gives up when the first of them is gone
      console.log(`-${error}`.replaceAll('\n', ' '));
    }
  }
  process.exit(0);
}

main();
