import { Size } from 'cdk8s';
import { Engine, MongodbVersion } from '../../../lib';
import { describeFaults } from '../support/engine-faults';
import { imageNamed } from '../support/images';
import { MongoServer } from '../support/mongo-server';

let held: ReturnType<MongoServer['hold']> | undefined;

describeFaults({
  name: 'MongoDB 7.0 (FerretDB)',
  engine: Engine.mongodb({ version: MongodbVersion.V7_0, replicaSet: 'rs0' }),
  start: async ({ images }) => {
    const image = imageNamed(images, 'mongo:7.0.37-jammy');
    const server = await MongoServer.start(image, 'rs0');
    const empty = await MongoServer.start(image, 'rs0');
    server.ask(`
      const random = () => require('node:crypto').randomBytes(6000).toString('base64');
      db.noise.insertMany(Array.from({ length: 1000 }, (_, i) => ({ _id: i, text: random() })));
      db.small.insertOne({ _id: 1 })`);
    return {
      address: server.address,
      emptyAddress: empty.address,
      credentials: { username: 'root', password: server.password },
      wrongCredentials: { username: 'root', password: 'wrong' },
      kill: () => server.kill(),
      up: () => server.up(),
      stop: async () => {
        await server.stop();
        await empty.stop();
      },
      checksum: () => JSON.stringify(server.checksums()),
      change: () => void server.ask("db.small.insertOne({ since: 'then' })"),
      hold: () => {
        held = server.hold('db');
        return () => held?.release();
      },
      isDumping: () => held?.isHeld() ?? false,
    };
  },
  dumping: 'mongodump',
  dumper: 'mongodump',
  restorer: 'mongorestore',
  payload: 'all.archive',
  tightScratch: Size.mebibytes(8),
  says: {
    wrongCredentials: /^the mongodb server refuses this job, .*(uthentication|onversation)/,
    serverKilled: /^storing all\.archive failed: .*(connection|socket|EOF|reset|server selection)/,
    dumperKilled: /^storing all\.archive failed: .*mongodump failed: killed by signal 9/,
    emptySource: /^no database of this server holds a collection: an empty backup is rarely intended/,
    scratchFull: /^restoring all\.archive failed: mongorestore: .*Failed: /,
    targetHoldsSomething: /^database "shop" holds documents in 2 collections: nothing was changed/,
    restorerKilled: /^restoring \S+ failed: mongorestore: .*killed by signal 9/,
  },
});
