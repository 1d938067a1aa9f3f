import { Namespace } from '../namespace';
import { loseVolume, secret, startServer, stopServer } from '../server';
import { applied, comesBack } from './comes-back';

const sessions = new Namespace('sessions');
const CLAIM = 'data-sessions-db-0';

/** Redis of dist/sessions.k8s.yaml, whose restore works on the volume of the server. */
export function sessionsComeBack(): void {
  applied({
    file: 'sessions.k8s.yaml',
    namespace: sessions,
    start: async () => {
      await sessions.apply(secret('sessions-backup', { username: 'backup', password: 'of-backup' }));
      await up();
      await ask(
        'eval',
        "for i = 1, 500 do redis.call('set', 'login:' .. i, 'somebody ж ' .. i) end redis.call('rpush', 'queue', 'a', 'b')",
        '0',
      );
    },
  });
  comesBack({
    namespace: sessions,
    name: 'logins',
    // A checksum of everything in it, which says nothing of the order.
    content: async () => `${await ask('dbsize')} ${await ask('debug', 'digest')}`,
    lose: async () => {
      await stopServer(sessions, 'sessions-db');
      await loseVolume(sessions, CLAIM);
    },
    afterwards: up,
  });
}

const up = () =>
  startServer(sessions, {
    ...{ name: 'sessions-db', image: 'redis:7.2.14-bookworm', port: 6379, claim: CLAIM },
    command: [
      ...[
        'redis-server',
        '--dir',
        '/data',
        '--appendonly',
        'yes',
        '--protected-mode',
        'no',
        '--save',
        '',
        '--enable-debug-command',
        'local',
      ],
      ...['--repl-diskless-sync-delay', '0', ...'--user default on nopass ~* &* +@all'.split(' ')],
      ...'--user backup on >of-backup +ping +replconf +sync +psync'.split(' '),
    ],
    ready: ['redis-cli', 'ping'],
  });

const ask = (...words: string[]) => sessions.output('exec', 'sessions-db', '--', 'redis-cli', ...words);
