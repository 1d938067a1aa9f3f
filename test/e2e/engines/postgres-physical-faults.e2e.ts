import { Size } from 'cdk8s';
import { Engine, PostgresVersion } from '../../../lib';
import { describeFaults } from '../support/engine-faults';
import { imageNamed } from '../support/images';
import { PostgresServer } from '../support/postgres-server';

describeFaults({
  name: 'PostgreSQL 15 by base backups',
  engine: Engine.postgresPhysical({ version: PostgresVersion.V15, maxRate: Size.mebibytes(48) }),
  dataVolume: 'restore',
  dataDirectory: 'data',
  start: async ({ images, dataVolume }) => {
    const settings = { min_wal_size: '32MB', max_wal_size: '64MB' };
    const server = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15', settings, dataVolume);
    server.client('createdb', ['app']);
    server.query(
      'app',
      'create table noise as select i, md5(random()::text) as v from generate_series(1, 150000) i; create index on noise (v)',
    );
    return {
      address: server.address,
      credentials: { username: 'postgres', password: server.password },
      wrongCredentials: { username: 'postgres', password: 'wrong' },
      kill: () => server.kill(),
      down: () => server.stop(),
      up: () => server.up(),
      stop: () => server.stop(),
      checksum: () => JSON.stringify(server.checksums('app')),
      change: () => void server.query('app', 'create table since_then (x int)'),
      hold: () => server.pauseSenders(),
      isDumping: () => server.paused.size > 0,
    };
  },
  dumping: '--wal-method=fetch',
  dumper: 'pg_basebackup',
  restorer: 'tar',
  payload: 'base.tar',
  tightScratch: Size.mebibytes(32),
  says: {
    wrongCredentials: /refuses this job, .*password authentication failed/,
    serverKilled: /^storing base\.tar failed: .*(server closed the connection|could not read|connection)/,
    dumperKilled: /^storing base\.tar failed: .*pg_basebackup failed: killed by signal 9/,
    emptySource: /./,
    scratchFull: /No space left on device/,
    targetHoldsSomething: /^the data directory is not empty \(.*\): nothing was changed/,
    restorerKilled: /^unpacking base\.tar failed: .*killed by signal 9/,
  },
  leaveOut: { emptySource: 'a server by its files is never empty: its system catalogs are files too' },
});
