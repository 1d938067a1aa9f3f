import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chart, Duration } from 'cdk8s';
import {
  BackupApp,
  type BackupOptions,
  Compression,
  DatabaseBackup,
  DataVolume,
  Encryption,
  Engine,
  type IEngine,
  type IRepository,
  PostgresVersion,
  RedisVersion,
  Repository,
  Retention,
  SecretRef,
} from '../../../../lib';

/** What differs between two states of the code: to whom is encrypted. */
export interface Recipients {
  readonly age: string[];
  readonly gpg: string[];
  /** Of the mirror. */
  readonly copy: string[];
  /** What was encrypted with a passphrase, and what was not encrypted at all, is with age from now on. @default false */
  readonly ageForAll?: boolean;
}

export const NAMESPACE = 'vault';
export const AGE_IMAGE = 'registry.example/age:1.2.1';

/** Backups that are encrypted in every way; each keeps its recovery points on a claim of its own. Returns the directory of the manifests. */
export function platform({ age, gpg, copy, ageForAll = false }: Recipients): string {
  const dist = mkdtempSync(join(tmpdir(), 'e2e-encryption-'));
  const app = new BackupApp({ outdir: dist });
  const chart = new Chart(app, NAMESPACE, { namespace: NAMESPACE });
  const key = (secret: string) => SecretRef.named(secret).key('key');
  const withAge = Encryption.age({ recipients: age, identity: key('age'), image: AGE_IMAGE });
  const withPhrase = Encryption.gpgSymmetric({ passphrase: key('phrase') });
  const postgres = Engine.postgres({ version: PostgresVersion.V15, databases: ['notes'] });
  const redis = Engine.redis({ version: RedisVersion.V7_2 });
  const impatient: BackupOptions = { retries: 0, readyTimeout: Duration.seconds(4), repositoryWait: Duration.seconds(4) };
  const backup = (series: string, repository: IRepository, engine: IEngine = postgres) => {
    const made = new DatabaseBackup(chart, series, {
      ...impatient,
      repository,
      engine,
      host: engine === redis ? 'cache' : 'db',
      credentials: SecretRef.named(engine === redis ? 'cache' : 'db'),
      ...(engine === redis && { dataVolume: DataVolume.claim('data') }),
      retention: Retention.keep({ last: 50 }),
    });
    made.addVerification({ retries: 0 });
    made.addRestore();
    return made;
  };
  const repositories: { [series: string]: IRepository } = {
    // As dumped: what is not encrypted could be seen.
    'with-age': Repository.files({ claimName: 'with-age', compression: Compression.NONE, encryption: withAge }),
    'with-gpg': Repository.files({
      claimName: 'with-gpg',
      encryption: Encryption.gpg({ recipients: gpg, identity: key('gpg'), passphrase: SecretRef.named('gpg').key('passphrase') }),
    }),
    'with-phrase': Repository.files({
      claimName: 'with-phrase',
      ...(ageForAll ? { encryption: withAge, previousEncryptions: [withPhrase] } : { encryption: withPhrase }),
    }),
  };
  for (const [series, repository] of Object.entries(repositories)) {
    const made = backup(series, repository);
    made.addReencryption();
    made.addKeyDrill({ key: key('escrow'), ...(series === 'with-gpg' && { passphrase: SecretRef.named('escrow').key('passphrase') }) });
  }
  const copies = Repository.files({
    claimName: 'copy',
    encryption: Encryption.age({ recipients: copy, identity: key('copy'), image: AGE_IMAGE }),
  });
  backup('redis-age', Repository.files({ claimName: 'redis-age', encryption: withAge }), redis).addMirror(copies, {
    name: 'copy',
    retention: Retention.keep({ last: 50 }),
    retries: 0,
    verification: { retries: 0 },
    restore: {},
  });
  const encryption = ageForAll ? withAge : undefined;
  backup('plain', Repository.files({ claimName: 'plain', compression: Compression.NONE, encryption }));
  app.synth();
  return dist;
}
