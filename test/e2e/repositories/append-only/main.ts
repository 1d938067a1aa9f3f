import { Chart, Duration, Size } from 'cdk8s';
import {
  BackupApp,
  CaCertificates,
  DatabaseBackup,
  DatabasePrune,
  Engine,
  type IRepository,
  PostgresVersion,
  Repository,
  ResticCache,
  ResticLocation,
  type ResticRepositoryOptions,
  Retention,
  SecretRef,
} from '../../../../lib';

// A repository to which backups can only add, what prunes it from another namespace, and servers with certificates of their own.
const app = new BackupApp();
const shop = new Chart(app, 'shop', { namespace: 'shop' });
const keeper = new Chart(app, 'keeper', { namespace: 'keeper' });

const password = SecretRef.named('key').key('password');
const caCertificates = CaCertificates.configMap('authorities', 'ca.pem');
const adding = { url: 'http://vault.example:8000/shop/', credentials: SecretRef.named('adder') };

function notes(id: string, repository: IRepository, retention: Retention): DatabaseBackup {
  return new DatabaseBackup(shop, id, {
    engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['notes'] }),
    host: 'db',
    credentials: SecretRef.named('db'),
    repository,
    retention,
    retries: 0,
    repositoryWait: Duration.seconds(10),
  });
}

const orders = notes(
  'orders',
  Repository.restic({ location: ResticLocation.rest(adding), password, appendOnly: true }),
  Retention.keep({ last: 1, within: Duration.hours(1), atLeast: 1 }),
);
orders.addVerification({ retries: 0 });
orders.addRestore();
new DatabasePrune(keeper, 'orders', {
  backup: orders,
  repository: Repository.restic({
    location: ResticLocation.rest({
      url: 'https://keeper.vault.example:8000/shop/',
      sameAs: adding.url,
      credentials: SecretRef.named('keeper'),
    }),
    password,
    caCertificates,
  }),
  retries: 0,
});

const secure = (path: string, options: Partial<ResticRepositoryOptions> = {}) =>
  Repository.restic({
    location: ResticLocation.rest({ url: `https://keeper.vault.example:8000/${path}/`, credentials: SecretRef.named('keeper') }),
    password,
    ...options,
  });
const limited = { uploadLimit: Size.kibibytes(512), downloadLimit: Size.mebibytes(4), cache: ResticCache.none() };
notes('trusting', secure('trusting', { caCertificates, ...limited }), Retention.all());
notes('cached', secure('cached', { caCertificates, cache: ResticCache.claim('restic-cache') }), Retention.all());
notes('distrusting', secure('distrusting'), Retention.all());

app.synth();
