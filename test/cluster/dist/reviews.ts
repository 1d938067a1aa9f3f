import { Namespace } from '../namespace';
import { secret, startServer, stopServer } from '../server';
import { applied, comesBack } from './comes-back';

const reviews = new Namespace('reviews');
const PASSWORD = 'of root';

/** MongoDB of dist/reviews.k8s.yaml: its own tools, against FerretDB in the place of its server. */
export function reviewsComeBack(): void {
  applied({
    file: 'reviews.k8s.yaml',
    namespace: reviews,
    start: async () => {
      const login = { username: 'root', password: PASSWORD };
      await reviews.apply(secret('reviews-backup', login), secret('reviews-owner', login));
      await up();
      await ask(`
        db.reviews.insertMany(Array.from({ length: 300 }, (_, i) => ({ _id: i, stars: Int32(i % 5), text: 'ж ' + i, at: new Date(1e12 + i) })));
        db.reviews.createIndex({ stars: 1, at: -1 });
        db.getSiblingDB('admin').createUser({ user: 'app', pwd: 'of app', roles: [] })`);
    },
  });
  comesBack({
    namespace: reviews,
    name: 'ratings',
    content: () =>
      ask(`const all = db.reviews.find().sort({ _id: 1 }).toArray().map(each => EJSON.stringify(each, { relaxed: false }));
        JSON.stringify([all, db.reviews.getIndexes().map(({ key }) => key), db.getSiblingDB('admin').getUsers().users.map(({ user }) => user).sort()])`),
    lose: async () => {
      await stopServer(reviews, 'reviews-db');
      await up();
    },
  });
}

async function up(): Promise<void> {
  await startServer(reviews, {
    ...{ name: 'reviews-db', image: 'mongo:7.0.37-jammy', port: 27017 },
    command: ['sh', '-ec', 'mkdir /data/db; exec mongod --dbpath /data/db --bind_ip "$(hostname -i)" --port 27017 --replSet rs0'],
    env: { ROOT_PASSWORD: PASSWORD, HOME: '/tmp' },
  });
  // What every server of MongoDB has; and FerretDB writes an oplog where there is a collection for one.
  await ask(`
    db.getSiblingDB('admin').getCollection('system.version').insertOne({ _id: 'authSchema', currentVersion: 5 });
    db.getSiblingDB('local').createCollection('oplog.rs', { capped: true, size: 64 * 1024 * 1024 });
    db.getSiblingDB('config').started.insertOne({ _id: 1 })`);
}

/** What mongosh prints for a script: the value of its last expression. The server tells clients the address at which it listens. */
function ask(script: string): Promise<string> {
  const connect = `const host = require('node:os').networkInterfaces().eth0[0].address;
    db = new Mongo('mongodb://root:${encodeURIComponent(PASSWORD)}@' + host + ':27017/?authSource=admin&directConnection=true').getDB('shop');`;
  return reviews.output('exec', 'reviews-db', '--', 'mongosh', '--nodb', '--quiet', '--norc', '--eval', `${connect}\n${script}`);
}
