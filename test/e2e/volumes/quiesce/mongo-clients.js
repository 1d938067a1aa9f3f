// Eight clients that write, and one that reads, until they are killed. How often they did: <directory>/written and <directory>/read.
//
// usage: node mongo-clients.js <directory>, with URI in the environment
// or:    node mongo-clients.js <directory> '<a command of the database admin>', which is run, and its answer printed
const { writeFileSync } = require('node:fs');
const { MongoClient } = require('/usr/lib/mongosh/node_modules/mongodb');

const [directory, command] = process.argv.slice(2);
const pause = () => new Promise(resolve => setTimeout(resolve, 40));

async function main() {
  if (command) {
    const client = await new MongoClient(process.env.URI).connect();
    console.log(JSON.stringify(await client.db('admin').command(JSON.parse(command))));
    return client.close();
  }
  const counts = { written: 0, read: 0 };
  const forever = async (what, act) => {
    const client = await new MongoClient(process.env.URI).connect();
    for (;;) {
      await act(client.db('shop').collection('orders'));
      counts[what] += 1;
      writeFileSync(`${directory}/${what}`, String(counts[what]));
      await pause();
    }
  };
  const writers = Array.from({ length: 8 }, (_, writer) => forever('written', orders => orders.insertOne({ writer, at: Date.now() })));
  await Promise.all([...writers, forever('read', orders => orders.findOne({}))]);
}
main();
