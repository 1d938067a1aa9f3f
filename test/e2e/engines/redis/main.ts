import { Chart } from 'cdk8s';
import {
  Assertion,
  BackupApp,
  DatabaseBackup,
  DataVolume,
  Engine,
  type IEngine,
  RedisVersion,
  Repository,
  Retention,
  SecretRef,
  ValkeyVersion,
} from '../../../../lib';

// The other servers: Redis 8 over TLS and without append-only files, Valkey with them, and a Redis that is newer than its backup's image.
const app = new BackupApp();
const chart = new Chart(app, 'sessions', { namespace: 'sessions' });
const tls = { tlsAuthority: SecretRef.named('tls').key('authority'), tlsClient: SecretRef.named('tls') };
const engines: { [series: string]: IEngine } = {
  redis8: Engine.redis({ version: RedisVersion.V8_0, dumpFile: 'state.rdb', ...tls }),
  valkey: Engine.valkey({ version: ValkeyVersion.V8_1, appendFile: 'log.aof', appendDirectory: 'log' }),
};
for (const [series, engine] of Object.entries(engines)) {
  const backup = new DatabaseBackup(chart, series, {
    engine,
    host: series,
    credentials: SecretRef.named('db'),
    dataVolume: DataVolume.claim(series, 'server'),
    repository: Repository.files({ claimName: 'backups' }),
    retention: Retention.keep({ daily: 7 }),
    retries: 0,
  });
  backup.addVerification({
    retries: 0,
    assertions: [
      Assertion.atLeast('dbsize', 10),
      Assertion.equalTo('lrange "a list" 0 -1', 'one two'),
      Assertion.equalTo('get "ключ \\"3\\""', 'in database 3', { database: '3' }),
    ],
  });
  backup.addRestore();
}
const older = new DatabaseBackup(chart, 'older', {
  engine: Engine.redis({ version: RedisVersion.V7_2, ...tls }),
  host: 'redis8',
  credentials: SecretRef.named('db'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ daily: 7 }),
  retries: 0,
});
older.addVerification();
app.synth();
