import { test } from 'vitest';
import { succeed } from '../../e2e/support/rehearse';
import { until } from '../kubectl';
import { Namespace } from '../namespace';
import { secret, startServer, stopServer } from '../server';
import { applied, comesBack } from './comes-back';
import { Terminal } from './paste';

const messaging = new Namespace('messaging');
/** The other half of the recipient in main.ts. */
const IDENTITY = 'AGE-SECRET-KEY-1H78SRFKAVAK22V9FP55GG6SYVH9XW2W2HDTZRWE440938UFZRJMS3SSR3R';
const VHOST = 'shop ж';
const CONFIGURATION = `listeners.tcp = none
management.tcp.port = 15672
default_user = admin
default_pass = of admin
log.console.level = error
`;

/** RabbitMQ of dist/messaging.k8s.yaml, encrypted by age, whose identity backups do not have. */
export function messagingComesBack(): void {
  applied({
    file: 'messaging.k8s.yaml',
    namespace: messaging,
    start: async () => {
      const identity = secret('backup-identity', { identity: IDENTITY });
      await messaging.apply(secret('broker-backup', { username: 'admin', password: 'of admin' }), identity);
      await up();
      await define({
        vhosts: [{ name: VHOST }],
        users: [{ name: 'app', password_hash: 'CcppyFfvmt65dJEIjpkphQh22OukefdtVYtudPGqvE8ppfI7', tags: 'monitoring' }],
        permissions: [{ user: 'app', vhost: VHOST, configure: '^$', write: '.*', read: '.*' }],
        queues: [{ vhost: VHOST, name: 'waiting', durable: true, auto_delete: false, arguments: { 'x-max-length': 1000 } }],
      });
      // Every five seconds it counts, and a backup that comes sooner says that nobody has.
      await until('the broker has counted the messages of the queue', async () => (await queues()).includes('"messages":0'));
    },
  });
  comesBack({
    namespace: messaging,
    name: 'events',
    content: definitions,
    // A broker of the same name, with nothing in it.
    lose: async () => {
      await stopServer(messaging, 'broker');
      await up();
    },
  });

  test('the key in the safe is proven, alone', async () => {
    await messaging.apply(secret('escrow', { identity: IDENTITY }), secret('backup-identity', { identity: 'lost' }));
    const terminal = await Terminal.open(messaging.name);
    try {
      await terminal.shows('kubectl -n shop create job --from=cronjob/orders-drill orders-drill-1', {
        ...{ '-n shop': '', orders: 'events' },
      });
      await succeed(messaging.ended('events-drill-1'), 'verified');
    } finally {
      terminal.close();
    }
  });
}

const up = () =>
  startServer(messaging, {
    ...{ name: 'broker', image: 'rabbitmq:4.0.9-management', port: 15672 },
    command: ['sh', '-ec', 'mkdir -p /data/log; printf %s "$CONFIGURATION" >/data/rabbitmq.conf; exec rabbitmq-server'],
    env: {
      ...{ CONFIGURATION, HOME: '/data', RABBITMQ_NODENAME: 'broker@localhost', RABBITMQ_CONFIG_FILE: '/data/rabbitmq.conf' },
      ...{ RABBITMQ_MNESIA_BASE: '/data/mnesia', RABBITMQ_LOG_BASE: '/data/log', RABBITMQ_LOGS: '-' },
      ...{ RABBITMQ_FEATURE_FLAGS_FILE: '/data/feature_flags', RABBITMQ_GENERATED_CONFIG_DIR: '/data/generated' },
      // Two schedulers of Erlang for the two processors of a node, which others need too.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2',
    },
  });

/** What the management API says of all queues. */
function queues(): Promise<string> {
  const login = '[{"Authorization", "Basic " ++ base64:encode_to_string("admin:of admin")}]';
  const asked = `{ok, {_, _, Body}} = httpc:request(get, {"http://localhost:15672/api/queues", ${login}}, [{ssl, [{verify, verify_none}]}], []), io:format("~s", [Body]).`;
  return messaging.output('exec', 'broker', '--', 'rabbitmqctl', 'eval', asked);
}

async function define(words: object): Promise<void> {
  const argv = ['exec', '--stdin', 'broker', '--', 'sh', '-c', 'cat >/data/defined && rabbitmqctl import_definitions /data/defined'];
  const { exitCode, stderr } = await messaging.kubectl(argv, { input: Buffer.from(JSON.stringify(words)) });
  if (exitCode !== 0) throw new Error(stderr);
}

/**
 * What is defined, in an order of its own; but for the default user, whose hash has another salt in every broker, and what a broker notes of a
 * vhost that it imports.
 */
async function definitions(): Promise<string> {
  const exported = 'rabbitmqctl --quiet export_definitions /data/exported && cat /data/exported';
  const all: { [kind: string]: { [field: string]: unknown }[] } = JSON.parse(
    await messaging.output('exec', 'broker', '--', 'sh', '-c', exported),
  );
  const kinds = ['vhosts', 'users', 'permissions', 'queues', 'bindings'].map(kind => [
    kind,
    (all[kind] ?? [])
      .filter(({ name, user }) => (name ?? user) !== 'admin')
      .map(({ metadata, ...rest }) => inOrder(rest))
      .sort(),
  ]);
  return JSON.stringify(kinds, null, 1);
}

const inOrder = (value: object): string =>
  JSON.stringify(value, (_, each) => (each?.constructor === Object ? Object.fromEntries(Object.entries(each).sort()) : each));
