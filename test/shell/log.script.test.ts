import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job } from './job';
import { inEachShell } from './shells';

// Moments, recovery points that build on others, and the archive of a log, with an engine whose data are lines of text.

const POINTS = ['20260101T000000Z', '20260102T000000Z', '20260103T000000Z'];

const SAMPLE = {
  dump: 'put data.txt echo data; fact rows 1; for id in $(printenv BUILDS_ON); do needs "$id"; done',
  verify: ':',
  restore: 'echo "$POINT" >"$SCRATCH/../restored"',
  // The log is files in the spool, each stored once.
  'log-follow': 'cd "$SPOOL"; trap "exit 0" TERM; echo one >1; while :; do sleep 0.1; done',
  'log-received': '[ ! -e "$SCRATCH/../silent" ] || { echo "the server was at 7, and the archive is at 3" >&2; exit 1; }',
  'log-choose': 'cd "$SPOOL" 2>/dev/null || exit 0; ls | grep -v until || :',
  'log-pack': 'while read -r name; do put "$name" cat "$SPOOL/$name"; done <"$1"; fact files "$(wc -l <"$1" | tr -d " ")"',
  'log-stored': 'while read -r name; do rm "$SPOOL/$name"; done <"$1"',
  'log-unpack': 'manifest_members "$SCRATCH/manifest.json" | cut -f 1 | while read -r name; do get "$name" >>"$SCRATCH/../read"; done',
};

let job: Job;
let spool: string;
beforeEach(() => {
  job = new Job(SAMPLE);
  spool = join(job.directory, 'spool');
  mkdirSync(spool);
});
afterEach(() => job.remove());

const backupsAt = (times: string[], series?: string) => job.backupsAt(times, series);

inEachShell('a moment as recovery point, in %s', shell => {
  test('is the newest recovery point that was there by then', () => {
    const ids = backupsAt(POINTS);
    const chosen = (RECOVERY_POINT: string, HAS_LOG = 'no') =>
      ids.indexOf(String(job.run('restore', { RECOVERY_POINT, HAS_LOG }, shell).result.id));
    expect(chosen('2026-01-02T00:30:00Z')).toBe(1);
    expect(chosen('2026-01-02T00:00:00Z')).toBe(1);
    expect(chosen('2026-01-01T23:59:59.5Z')).toBe(0);
    // A copy of files is whole when its run has ended, an hour after it began; the log leads on from there.
    expect(chosen('2026-01-02T00:30:00Z', 'yes')).toBe(0);
    expect(chosen('2026-01-02T01:00:00Z', 'yes')).toBe(1);
    expect(chosen('2026-01-02T01:00:00.5Z', 'yes')).toBe(1);
    expect(chosen('2999-01-01T00:00:00Z', 'yes')).toBe(2);

    const { code, result } = job.run('restore', { RECOVERY_POINT: '2025-12-31T23:59:59Z' }, shell);
    expect(code).toBe(78);
    expect(result.reason).toBe(
      'series orders has no recovery point from 2025-12-31T23:59:59Z or before; the oldest is 20260101T000000Z-aaaaa',
    );
  });
});

describe('pruning', () => {
  const retention = 'last=1 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1';

  test('keeps what a kept recovery point builds on, and drops it with the last that does', () => {
    const [first = '', second = '', third = ''] = backupsAt(POINTS);
    const next = String(job.run('backup', { RETENTION: retention, CHAINS: 'yes', BUILDS_ON: `${first} ${third}` }).result.id);
    expect(job.points()).toEqual([first, third, next].sort());
    expect(job.points()).not.toContain(second);

    const full = String(job.run('backup', { RETENTION: retention, CHAINS: 'yes' }).result.id);
    expect(job.points()).toEqual([full]);
  });

  test('a size is compared with that of the newest that builds on no other either', () => {
    const backup = (bytes: number, BUILDS_ON = '') => {
      job.engine({
        dump: `put data.txt head -c ${bytes} /dev/urandom; fact rows 1; for id in $(printenv BUILDS_ON); do needs "$id"; done`,
      });
      return job.run('backup', { RETENTION: 'all', BUILDS_ON }).result;
    };
    const full = String(backup(24_000).id);
    const second = String(backup(2_000, full).id);
    expect(backup(2_000, `${full} ${second}`).verdict).toBe('published');
    expect(backup(2_900)).toMatchObject({ verdict: 'failed', reason: expect.stringContaining(`${full} had 24`) });
    expect(backup(23_000).verdict).toBe('published');
  });

  test('a recovery point that builds on another may be small', () => {
    job.engine({ dump: 'put data.txt seq 1 10000; fact rows 1' });
    const { id } = job.run('backup').result;
    job.engine({ dump: 'put data.txt echo little; fact rows 1; for id in $(printenv BUILDS_ON); do needs "$id"; done' });
    expect(job.run('backup').result).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(/a drop of more than 50 %/) });
    expect(job.run('backup', { BUILDS_ON: String(id) }).result).toMatchObject({ verdict: 'published' });
  });

  test('keeps the log of recovery points that stay because somebody reads them', () => {
    backupsAt(POINTS);
    const batches = backupsAt(['20251231T000000Z', '20260101T120000Z', '20260102T120000Z', '20260103T120000Z'], 'orders-log');
    const reading = spawn('flock', ['--shared', '--no-fork', join(job.repository, 'orders'), 'sleep', '30'], { stdio: 'ignore' });
    execFileSync('sleep', ['0.3']);
    const backup = job.run('backup', { RETENTION: retention, HAS_LOG: 'yes' });
    const pruning = job.run('prune', { RETENTION: retention, HAS_LOG: 'yes' });
    reading.kill();
    expect(backup.result, backup.log).toMatchObject({
      verdict: 'published',
      reason: expect.stringContaining('nothing is pruned this time'),
    });
    expect(pruning.result).toMatchObject({ verdict: 'pruned', reason: expect.stringContaining('nothing is pruned this time') });
    expect(job.points()).toHaveLength(4);
    expect(job.points('orders-log')).toEqual(batches);
  });

  test('takes the log with it that was stored before the oldest recovery point', () => {
    backupsAt(POINTS);
    backupsAt(['20251231T000000Z', '20260101T120000Z', '20260102T120000Z', '20260103T120000Z'], 'orders-log');
    const { result, log } = job.run('backup', {
      RETENTION: 'last=2 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1',
      HAS_LOG: 'yes',
    });
    expect(result, log).toMatchObject({ verdict: 'published' });
    expect(job.points()).toEqual(['20260103T000000Z-aaaaa', result.id]);
    // The newest of what was stored before it stays: clocks differ.
    expect(job.points('orders-log')).toEqual(['20260102T120000Z-aaaaa', '20260103T120000Z-aaaaa']);
  });
});

test('of the log, what was stored in the second in which a recovery point began is read, and the newest from before it', () => {
  const [point = ''] = backupsAt(['20260102T000000Z']);
  backupsAt(['20260101T000000Z', '20260101T120000Z', '20260102T000000Z', '20260102T120000Z'], 'orders-log');
  job.engine({ restore: 'sh "$BACKUP_HOME/shell/read-log.sh" begin >/dev/null; cp "$SCRATCH/log/batches" "$SCRATCH/../batches"' });
  const { result, log } = job.run('restore', { RECOVERY_POINT: point, HAS_LOG: 'yes' });
  expect(result, log).toMatchObject({ verdict: 'restored' });
  expect(readFileSync(join(job.directory, 'batches'), 'utf8').trim().split('\n')).toEqual(
    ['20260101T120000Z', '20260102T000000Z', '20260102T120000Z'].map(time => `${time}-aaaaa`),
  );
});

test('a log that cannot be read is not taken for one that never was', async () => {
  const [point = ''] = backupsAt(['20260102T000000Z']);
  const restoring = () => job.run('restore', { RECOVERY_POINT: point, HAS_LOG: 'yes' });
  job.engine({ restore: 'batches=$(sh "$BACKUP_HOME/shell/read-log.sh" begin) || exit $?; echo "$batches" >"$SCRATCH/../batches"' });
  expect(restoring().result).toMatchObject({ verdict: 'restored' });
  expect(readFileSync(join(job.directory, 'batches'), 'utf8')).toBe('0\n');

  backupsAt(['20260102T120000Z'], 'orders-log');
  const pruning = spawn('flock', ['--no-fork', join(job.repository, 'orders-log'), 'sleep', '30'], { stdio: 'ignore' });
  await new Promise(resolve => setTimeout(resolve, 300));
  const { result } = restoring();
  pruning.kill();
  expect(result).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(/series orders-log is still being pruned/) });
});

test('a restore of all that there is tells where the log ended long ago, but not that it was never archived', () => {
  const [point = ''] = backupsAt(['20260102T000000Z']);
  job.engine({ restore: 'sh "$BACKUP_HOME/shell/read-log.sh" begin >/dev/null' });
  const says = (UNTIL = '') => job.run('restore', { RECOVERY_POINT: point, HAS_LOG: 'yes', UNTIL }).result.reason ?? '';
  expect(says()).toBe('');
  const [before = ''] = backupsAt(['20260101T000000Z'], 'orders-log');
  const ended = /the archived log holds what the server wrote until a moment that no batch names: nothing that it wrote later/;
  expect(says()).toMatch(ended);
  expect(says('latest')).toMatch(ended);
  expect(says('2026-01-02T00:00:00Z')).toBe('');

  rmSync(join(job.repository, 'orders-log', before), { recursive: true });
  writeFileSync(join(spool, 'a'), 'alpha');
  job.run('archive', { SERIES: 'orders-log', SPOOL: spool, ARCHIVE_EVERY: '60', ARCHIVE_HEARTBEAT: '900', ARCHIVE_PATIENCE: '1' });
  expect(says()).toBe('');
});

describe('a log archive', () => {
  const words = () => ({
    SERIES: 'orders-log',
    SPOOL: spool,
    ARCHIVE_EVERY: '60',
    ARCHIVE_HEARTBEAT: '900',
    ARCHIVE_PATIENCE: '1',
  });

  test('stores what is in the spool, clears it, and says nothing when there is nothing', () => {
    writeFileSync(join(spool, 'a'), 'alpha');
    const { result } = job.run('archive', words());
    expect(result).toMatchObject({ what: 'archive', series: 'orders-log', verdict: 'published' });
    expect(readdirSync(spool)).toEqual(['until']);
    expect(job.points('orders-log')).toEqual([result.id]);
    expect(() => job.run('archive', words())).toThrow(/the result on stdout is /);
    expect(job.points('orders-log')).toHaveLength(1);
  });

  const stamp = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, '');

  test('goes on after a batch of a node whose clock is a little ahead: its id comes after that', () => {
    const [ahead = ''] = backupsAt([stamp(1800)], 'orders-log');
    for (const name of ['a', 'b']) {
      writeFileSync(join(spool, name), name);
      expect(job.run('archive', words()).result).toMatchObject({ verdict: 'published', reason: '' });
    }
    const [first = '', second = '', third = ''] = job.points('orders-log');
    expect([first, second > first, third > second]).toEqual([ahead, true, true]);
  });

  test('is not held up by a batch of the future, which is read where it belongs', { timeout: 120_000 }, () => {
    const archive = (content: string, days = 0) => {
      writeFileSync(join(spool, content), `${content} `);
      const { result, log } = job.run('archive', { ...words(), ...job.pathOfClock(days) });
      expect(result, log).toMatchObject({ verdict: 'published' });
      return result;
    };
    const [point = ''] = backupsAt([stamp(-60)]);
    // One whose manifest does not say what it comes after.
    backupsAt([stamp(300 * 86_400)], 'orders-log');
    archive('one');
    const far = archive('two', 200).id;
    archive('three', 100);
    const next = archive('four');
    expect(next.reason).toContain(String(far));
    expect(String(next.id).slice(0, 8)).toBe(stamp(0).slice(0, 8));
    archive('five', 200);
    archive('six');
    const read = () => {
      const { result, log } = job.run('restore', { RECOVERY_POINT: point, HAS_LOG: 'yes' });
      expect(result, log).toMatchObject({ verdict: 'restored' });
      return readFileSync(join(job.directory, 'read'), 'utf8').trim().replace('\n', ' ');
    };
    job.engine({
      restore:
        'sh "$BACKUP_HOME/shell/read-log.sh" begin; while sh "$BACKUP_HOME/shell/read-log.sh" next; do :; done; cp "$SCRATCH/read" "$SCRATCH/../"',
    });
    expect(read()).toBe('data one two three four five six');

    // A mirror has all of it, in the same order.
    expect(job.runMirror({ RETENTION: 'all', HAS_LOG: 'yes' }).log).toContain('copied 7 batches');
    expect(job.points('orders-log', job.mirror)).toEqual(job.points('orders-log'));
    rmSync(join(spool, '..', 'last-batch'));
    archive('seven');
    expect(read()).toBe('data one two three four five six seven');
  });

  test('of a node whose clock is behind stores what is not pruned as old, and comes last', () => {
    const ids = backupsAt([-600, -500, -400, -300, -200, -100].map(stamp), 'orders-log');
    writeFileSync(join(spool, 'a'), 'alpha');
    const { result, log } = job.run('archive', { ...words(), ...job.pathOfClock(-200) });
    expect(result, log).toMatchObject({ verdict: 'published', reason: expect.stringContaining('correct the clock that is wrong') });
    expect(job.points('orders-log')).toEqual([...ids, result.id]);
  });

  test('tells now and then that there was nothing, but not when it cannot know', () => {
    const silent = join(job.directory, 'silent');
    const empty = { ...words(), ARCHIVE_HEARTBEAT: '0' };
    job.engine({ 'log-pack': 'put nothing true; fact files 0' });
    writeFileSync(silent, '');
    const confirmed = () => readdirSync(job.directory).filter(name => existsSync(join(job.directory, name, 'confirmed'))).length;
    expect(() => job.run('archive', empty)).toThrow(/ENOENT/);
    expect(existsSync(join(job.repository, 'orders-log'))).toBe(false);
    expect(confirmed()).toBe(0);
    rmSync(silent);
    const { result } = job.run('archive', empty);
    expect(confirmed()).toBe(1);
    expect(result).toMatchObject({ verdict: 'published' });
    const manifest = JSON.parse(readFileSync(join(job.repository, 'orders-log', String(result.id), 'manifest.json'), 'utf8'));
    expect(manifest.about.until).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test('that does not hold what the server wrote lately fails a verification, however good the recovery point is', () => {
    backupsAt(['20260102T000000Z']);
    job.engine({ verify: 'sh "$BACKUP_HOME/shell/read-log.sh" begin >/dev/null || exit $?' });
    const verifying = (MAXIMUM_LOG_AGE: string) => job.run('verify', { HAS_LOG: 'yes', MAXIMUM_LOG_AGE }).result;
    expect(verifying('')).toMatchObject({ verdict: 'verified' });
    expect(verifying('3600').reason).toMatch(/^no log has ever been archived, although a log archive should be running/);

    // What was received while nobody knew how far the server was tells of no moment.
    writeFileSync(join(job.directory, 'silent'), '');
    writeFileSync(join(spool, 'a'), 'alpha');
    expect(job.run('archive', words()).log).toMatch(/not everything that the server has written has been received: the server was at 7/);
    expect(verifying('3600').reason).toMatch(
      /^the archived log holds what the server wrote until a moment that no batch names, more than 3600 s ago/,
    );

    rmSync(join(job.directory, 'silent'));
    writeFileSync(join(spool, 'b'), 'beta');
    job.run('archive', words());
    expect(verifying('3600')).toMatchObject({ verdict: 'verified' });
    expect(verifying('0').reason).toMatch(/^the archived log holds what the server wrote until 20.*Z, more than 0 s ago \(maximumLogAge\)/);
  });

  test('of which the last batch but one is gone says so, as those that hold nothing do not tell it', { timeout: 120_000 }, () => {
    const [point = ''] = backupsAt([stamp(-60)]);
    job.engine({
      'log-pack': 'about first "$(head -n 1 "$1")"; put all sh -c "cd $SPOOL && xargs cat" <"$1"; fact files "$(wc -l <"$1" | tr -d " ")"',
      restore: `read_log() { sh "$BACKUP_HOME/shell/read-log.sh" "$1"; }; read_log begin; while read_log next; do :; done
        cp "$SCRATCH/log/missing" "$SCRATCH/../" 2>/dev/null || :`,
    });
    const archive = (content?: string) => {
      if (content) writeFileSync(join(spool, content), content);
      const { result, log } = job.run('archive', { ...words(), ARCHIVE_HEARTBEAT: '0' });
      expect(result, log).toMatchObject({ verdict: 'published' });
      return String(result.id);
    };
    const missing = () => {
      const file = join(job.directory, 'missing');
      rmSync(file, { force: true });
      const { result, log } = job.run('restore', { RECOVERY_POINT: point, HAS_LOG: 'yes' });
      expect(result, log).toMatchObject({ verdict: 'restored' });
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    };
    archive('one');
    const lost = archive('two');
    const silent = archive();
    archive();
    expect(missing()).toBe('');
    rmSync(join(job.repository, 'orders-log', lost), { recursive: true });
    expect(missing()).toBe(`${lost}, after which ${silent} was stored`);
    // Where something came later, that tells by itself whether anything is missing before it.
    archive('three');
    expect(missing()).toBe('');
  });

  test('that lacks something is not ready until a backup was begun after that, and says what it lacks', () => {
    backupsAt(['20260102T000000Z']);
    const confirmed = () => readdirSync(job.directory).filter(name => existsSync(join(job.directory, name, 'confirmed'))).length;
    const archive = (file: string) => {
      writeFileSync(join(spool, file), file);
      return job.run('archive', words());
    };
    writeFileSync(join(spool, '../gap'), 'the server recycled log\n');
    const says = /lacks something, and no backup has been started since \(the server recycled log\).*Take a backup now/;
    expect(archive('a').result).toMatchObject({ verdict: 'published', reason: expect.stringMatching(says) });
    // One that was begun before all was received is none.
    expect(archive('b').result).toMatchObject({ reason: expect.stringMatching(says) });
    expect(confirmed()).toBe(0);
    backupsAt([stamp(1)]);
    const { log, result } = archive('c');
    expect(log).toContain('a backup has been made since, which makes up for the gap in the archived log (the server recycled log)');
    expect(String(result.reason ?? '')).not.toMatch(says);
    expect(confirmed()).toBe(1);
    expect(existsSync(join(spool, '../gap'))).toBe(false);
  });

  test('that lacks something has no use for a backup of before, whatever the clock of its node said', () => {
    backupsAt([stamp(1200)]);
    const confirmed = (file: string) => {
      writeFileSync(join(spool, file), file);
      const scratches = () => readdirSync(job.directory).filter(name => existsSync(join(job.directory, name, 'confirmed'))).length;
      const before = scratches();
      job.run('archive', words());
      return scratches() > before;
    };
    writeFileSync(join(spool, '../gap'), 'the server recycled log\n');
    expect([confirmed('a'), confirmed('b')]).toEqual([false, false]);
    backupsAt([stamp(1260)]);
    expect(confirmed('c')).toBe(true);
  });

  test('whose volume is full has room for what it lacks', () => {
    // Nothing can be written before something is removed.
    const { PATH } = job.pathOfClock(0);
    const [bin = ''] = PATH.split(':');
    const gap = join(job.directory, 'gap');
    mkdirSync(gap);
    writeFileSync(join(bin, 'rm'), `#!/bin/sh\ncase "$*" in *gap-room) rmdir '${gap}' ;; esac\nexec /bin/rm "$@"\n`, { mode: 0o755 });
    job.engine({
      'log-choose': `PATH='${bin}':$PATH; . "$BACKUP_HOME/shell/log-gap.sh"; log_gap_room; log_gap "the server recycled log"`,
    });
    const { log } = job.run('archive', { ...words(), ARCHIVE_HEARTBEAT: '0' });
    expect(log).not.toContain('cannot be noted');
    expect(readFileSync(gap, 'utf8')).toBe('the server recycled log\n');
    expect(existsSync(join(job.directory, 'gap-room'))).toBe(false);
  });

  test('whose server is in danger by it is not ready, though it stores all', () => {
    job.engine({ 'log-received': 'echo "its disk fills" >"$SCRATCH/endangered"' });
    writeFileSync(join(spool, 'a'), 'alpha');
    expect(job.run('archive', words()).result).toMatchObject({ verdict: 'published', reason: 'its disk fills' });
    expect(existsSync(join(spool, 'until'))).toBe(true);
    expect(readdirSync(job.directory).filter(name => existsSync(join(job.directory, name, 'confirmed')))).toEqual([]);
  });

  test('keeps in the spool what could not be stored', () => {
    writeFileSync(join(spool, 'a'), 'alpha');
    job.engine({ 'log-pack': 'put a sh -c "echo half; exit 1"; fact files 1' });
    expect(job.run('archive', words()).result).toMatchObject({ verdict: 'failed' });
    expect(readFileSync(join(spool, 'a'), 'utf8')).toBe('alpha');
    expect(job.points('orders-log')).toEqual([]);
  });

  inEachShell('in %s', shell => {
    test('that is told to stop stores what it has received', async () => {
      const environment = job.environment(words());
      const [command = 'sh', ...args] = shell;
      const archive = spawn(command, [...args, join(job.directory, 'home/shell/archive-log.sh')], { env: environment, stdio: 'ignore' });
      const ended = new Promise(resolve => archive.once('exit', resolve));
      const healthy = join(environment.SCRATCH ?? '', 'healthy');
      while (!existsSync(healthy)) await new Promise(resolve => setTimeout(resolve, 50));
      expect(job.points('orders-log')).toHaveLength(1);
      writeFileSync(join(spool, 'late'), 'late');
      archive.kill('SIGTERM');
      expect(await ended).toBe(0);
      expect(job.points('orders-log')).toHaveLength(2);

      const isReady = (stale: string) => job.script('log-healthy', { SCRATCH: environment.SCRATCH, ARCHIVE_STALE: stale }) === 0;
      expect(isReady('5')).toBe(true);
      const uptime = Number(readFileSync('/proc/uptime', 'utf8').split('.')[0]);
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      const says: [string, boolean][] = [
        [`${uptime - 200} ${boot}`, true],
        [`${uptime - 600} ${boot}`, false],
        // A machine that was started anew counts from zero.
        [`${uptime - 200} of-before`, false],
      ];
      for (const [said, ready] of says) {
        writeFileSync(healthy, `${said}\n`);
        expect(isReady('5')).toBe(ready);
      }
      rmSync(healthy);
      expect(isReady('5')).toBe(false);
    });
  });

  test('goes on when the clock is set back', async () => {
    const bin = join(job.directory, 'bin');
    const back = join(job.directory, 'back');
    mkdirSync(bin, { recursive: true });
    const date = `case " $* " in *' -d '* | *' -r '*) exec /bin/date "$@" ;; esac
      [ -e '${back}' ] || exec /bin/date "$@"
      exec /bin/date -d "@$(($(/bin/date +%s) - 3600))" "$@"`;
    writeFileSync(join(bin, 'date'), `#!/bin/sh\n${date}\n`, { mode: 0o755 });
    const environment = { ...job.environment({ ...words(), ARCHIVE_EVERY: '1' }) };
    environment.PATH = `${bin}:${environment.PATH}`;
    const archive = spawn('sh', [join(job.directory, 'home/shell/archive-log.sh')], { env: environment, stdio: 'ignore' });
    const ended = new Promise(resolve => archive.once('exit', resolve));
    const stored = async (batches: number) => {
      while (!existsSync(join(job.repository, 'orders-log')) || job.points('orders-log').length < batches)
        await new Promise(resolve => setTimeout(resolve, 50));
    };
    await stored(1);
    writeFileSync(back, '');
    writeFileSync(join(spool, 'late'), 'late');
    await stored(2);
    archive.kill('SIGTERM');
    await ended;
  });

  test('starts its receiver anew where the server has begun another log', async () => {
    const followed = () => (existsSync(join(job.directory, 'followed')) ? readFileSync(join(job.directory, 'followed'), 'utf8') : '');
    job.engine({
      'log-follow': `echo followed >>'${job.directory}/followed'; echo one >"$SPOOL/1"; trap "exit 0" TERM; while :; do sleep 0.1; done`,
      'log-received': `[ "$(wc -l <'${job.directory}/followed')" -gt 1 ] || { : >"$SCRATCH/anew"; echo 'begun anew' >&2; exit 1; }`,
    });
    const environment = job.environment({ ...words(), ARCHIVE_EVERY: '1' });
    const archive = spawn('sh', [join(job.directory, 'home/shell/archive-log.sh')], { env: environment, stdio: 'ignore' });
    const ended = new Promise(resolve => archive.once('exit', resolve));
    const healthy = join(environment.SCRATCH ?? '', 'healthy');
    while (!existsSync(healthy)) await new Promise(resolve => setTimeout(resolve, 50));
    archive.kill('SIGTERM');
    await ended;
    expect(followed()).toBe('followed\nfollowed\n');
  });
});
