// What of a mongod FerretDB lacks: being a secondary, and fsyncLock. It sits before FerretDB, answers the commands that are about these, keeps writes
// waiting while it is locked, and passes on everything else, authentication too. A real secondary gets its writes by replication; here they come from
// clients.
//
// usage: node mongo-stand-in.js <port> <port of FerretDB> <directory of its state>
//   <state>/role   `primary` or `secondary`;   <state>/lag   how many seconds it is behind; both may change at any time
const net = require('node:net');
const { existsSync, readFileSync } = require('node:fs');
const { BSON, Timestamp } = require('/usr/lib/mongosh/node_modules/bson');

const [port, behind, state] = process.argv.slice(2);
const OP_MSG = 2013;
const WRITES = ['insert', 'update', 'delete', 'findAndModify', 'create', 'drop', 'createIndexes', 'dropDatabase'];
const setting = (name, value) => (existsSync(`${state}/${name}`) ? readFileSync(`${state}/${name}`, 'utf8').trim() : value);

let locks = 0;
const waiting = [];

function hello() {
  const secondary = setting('role', 'secondary') === 'secondary';
  return {
    ...{ ok: 1, setName: 'rs0', hosts: ['a:27017', 'b:27017', 'c:27017'], me: secondary ? 'b:27017' : 'a:27017', primary: 'a:27017' },
    ...{ isWritablePrimary: !secondary, ismaster: !secondary, secondary, helloOk: true, minWireVersion: 0, maxWireVersion: 21 },
    ...{ maxBsonObjectSize: 16777216, maxMessageSizeBytes: 48000000, maxWriteBatchSize: 100000, localTime: new Date(), readOnly: false },
  };
}

const ANSWERS = {
  hello,
  ismaster: hello,
  isMaster: hello,
  replSetGetStatus: () => {
    const seconds = Math.floor(Date.now() / 1000);
    const member = (stateStr, t, self) => ({ stateStr, optime: { ts: new Timestamp({ t, i: 1 }) }, ...(self && { self }) });
    return { ok: 1, set: 'rs0', members: [member('PRIMARY', seconds), member('SECONDARY', seconds - Number(setting('lag', '0')), true)] };
  },
  currentOp: () => ({
    ok: 1,
    inprog: [],
    ...(locks > 0 && { fsyncLock: true, info: 'use db.fsyncUnlock() to terminate the fsync write/snapshot lock' }),
  }),
  fsync: ({ lock }) => {
    if (lock) locks += 1;
    return { ok: 1, info: 'now locked against writes, use db.fsyncUnlock() to unlock', lockCount: locks };
  },
  fsyncUnlock: () => {
    if (locks === 0) return { ok: 0, errmsg: 'fsyncUnlock called when not locked', code: 20, codeName: 'IllegalOperation' };
    locks -= 1;
    if (locks === 0) for (const pass of waiting.splice(0)) pass();
    return { ok: 1, info: 'fsyncUnlock completed', lockCount: locks };
  },
};

/** What an OP_MSG asks for: its one section of kind 0. */
function commandOf(message) {
  if (message.readInt32LE(12) !== OP_MSG) return undefined;
  for (let at = 20; at < message.length; ) {
    const size = message.readInt32LE(at + 1);
    if (message[at] === 0) return BSON.deserialize(message.subarray(at + 1, at + 1 + size));
    at += 1 + size;
  }
  return undefined;
}

function reply(to, document) {
  const body = BSON.serialize(document);
  const message = Buffer.alloc(21 + body.length);
  for (const [at, value] of [
    [0, message.length],
    [4, 1],
    [8, to.readInt32LE(4)],
    [12, OP_MSG],
    [16, 0],
  ])
    message.writeInt32LE(value, at);
  Buffer.from(body).copy(message, 21);
  return message;
}

net
  .createServer(client => {
    const server = net.connect(Number(behind), '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ])
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    server.on('data', data => client.write(data));
    let received = Buffer.alloc(0);
    client.on('data', data => {
      received = Buffer.concat([received, data]);
      while (received.length >= 4 && received.length >= received.readInt32LE(0)) {
        const message = received.subarray(0, received.readInt32LE(0));
        received = received.subarray(message.length);
        const command = commandOf(message);
        const name = Object.keys(command ?? {})[0];
        // A handshake that begins to authenticate goes to who knows the users.
        if (name in ANSWERS && !command.speculativeAuthenticate) {
          const answer = reply(message, ANSWERS[name](command));
          // Writes that are under way come to their end before a server calls itself locked.
          setTimeout(() => client.write(answer), name === 'fsync' ? 300 : 0);
        } else if (locks > 0 && WRITES.includes(name)) waiting.push(() => server.write(message));
        else server.write(message);
      }
    });
  })
  .listen(Number(port), '127.0.0.1');
