import { randomBytes } from 'node:crypto';
import { Size } from 'cdk8s';
import { Engine, RedisVersion } from '../../../lib';
import { describeFaults } from '../support/engine-faults';
import { imageNamed } from '../support/images';
import { RedisServer } from '../support/redis-server';

describeFaults({
  name: 'Redis 7.0',
  engine: Engine.redis({ version: RedisVersion.V7_2 }),
  dataVolume: 'restore',
  start: async ({ images, dataVolume }) => {
    const image = imageNamed(images, 'redis:7.2.14-bookworm');
    const server = await RedisServer.start({ image, directory: dataVolume });
    const empty = await RedisServer.start({ image });
    server.feed(Array.from({ length: 400 }, (_, i) => `set key:${i} ${randomBytes(8000).toString('base64')}`));
    let since = 0;
    return {
      address: server.address,
      emptyAddress: empty.address,
      credentials: { username: 'default', password: server.password },
      wrongCredentials: { username: 'default', password: 'wrong' },
      kill: () => server.kill(),
      down: () => server.down(),
      up: () => server.up(),
      stop: async () => {
        await server.stop();
        await empty.stop();
      },
      checksum: () => server.digest(),
      change: () => void server.ask('set', 'since', 'then'),
      hold: () => {
        since = 0;
        server.ask('config', 'set', 'rdb-key-save-delay', '30000');
        return () => void server.ask('config', 'set', 'rdb-key-save-delay', '0');
      },
      // Long enough for some of the dump to be on its way.
      isDumping: () => {
        if (server.ask('info', 'persistence').includes('rdb_bgsave_in_progress:1')) since ||= Date.now();
        return since > 0 && Date.now() - since > 1500;
      },
    };
  },
  dumping: '--rdb',
  dumper: 'redis-cli',
  restorer: 'redis-server',
  payload: 'dump.rdb',
  tightScratch: Size.mebibytes(2),
  says: {
    wrongCredentials: /^the redis server refuses this job, .*WRONGPASS/,
    serverKilled: /^storing dump\.rdb failed: .*I\/O Error reading/,
    dumperKilled: /^storing dump\.rdb failed: .*redis-cli failed: killed by signal 9/,
    emptySource: /^the server holds no key: an empty backup is rarely intended/,
    scratchFull: /^dump\.rdb of \S+ cannot be fetched: .*No space left on device/,
    targetHoldsSomething: /^the data directory is not empty \(.*\): nothing was changed/,
    restorerKilled: /^the scratch server could not load the backup: .*killed by signal 9/,
  },
});
