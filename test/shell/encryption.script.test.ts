import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Random } from '../random';
import { Job } from './job';
import { inEachShell } from './shells';

const FAULT_SEED = Number(process.env.FAULT_SEED ?? 20261121);

// How a repository of plain files goes about encryption, in every shell. The cipher is none: its "ciphertext" is base64 under the names
// of those who may read it. What real ciphers do is shown end to end.

const AGE = `#!/bin/sh
case $1 in
  --recipients-file) printf 'cipher\\n'; cat "$2"; echo ---; base64 ;;
  --decrypt)
    f=$(mktemp "$SCRATCH/age.XXXXXX") && cat >"$f"
    if sed '/^---$/q' "$f" | grep -qxF -f "$3"; then sed '1,/^---$/d' "$f" | base64 -d; rc=$?; else echo 'age: error: no identity matched any of the recipients' >&2; rc=1; fi
    rm -f "$f"; exit $rc ;;
esac
`;

let job: Job;
let keys: string;

beforeEach(() => {
  job = new Job({
    dump: 'put secret_name.txt echo the secret; put second.txt echo more; fact rows_of_secret_name 3; about host secret_name',
    verify:
      'get secret_name.txt | grep -qx "the secret" || die "$(repository_reason)"; printf \'"rows_of_secret_name":3\\n\' >"$SCRATCH/facts"; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"',
  });
  keys = join(job.directory, 'keys');
  mkdirSync(join(job.directory, 'bin'));
  writeFileSync(join(job.directory, 'bin', 'age'), AGE);
  chmodSync(join(job.directory, 'bin', 'age'), 0o755);
  mkdirSync(join(job.directory, 'recipients'));
  mkdirSync(join(keys, 'age-0'), { recursive: true });
  identity('alice');
});

afterEach(() => job.remove());

const identity = (...names: string[]) => writeFileSync(join(keys, 'age-0', 'key'), `${names.join('\n')}\n`);

/** Variables of a job that encrypts; one that reads has the keys as well. */
function environment(reads: boolean, ...recipients: string[]): { [name: string]: string } {
  writeFileSync(join(job.directory, 'recipients', 'recipients'), `${recipients.join('\n')}\n`);
  return {
    TOOLS: join(job.directory, 'bin'),
    ENCRYPTION: 'age',
    RECIPIENTS: recipients.join(' '),
    RECIPIENTS_PATH: join(job.directory, 'recipients'),
    DECRYPTION_PATH: reads ? keys : '',
  };
}

const backup = (shell: string[] = ['sh'], ...recipients: string[]) =>
  job.run('backup', environment(false, ...(recipients.length ? recipients : ['alice'])), shell);
const verify = (shell: string[] = ['sh']) => job.run('verify', environment(true, 'alice'), shell);
const path = (point: string) => join(job.repository, 'orders', point);
const sums = (point: string) => readFileSync(join(path(point), 'SHA256SUMS'), 'utf8');

inEachShell('%s', shell => {
  test('shows nothing, and is read with the key', () => {
    expect(backup(shell).result).toMatchObject({ verdict: 'published' });
    const [point = ''] = job.points();
    expect(readdirSync(path(point))).toEqual(['001.gz.age', '002.gz.age', 'SHA256SUMS', 'facts.age', 'manifest.json', 'recipients.txt']);
    for (const file of readdirSync(path(point))) expect(readFileSync(join(path(point), file), 'utf8')).not.toContain('secret');
    expect(readFileSync(join(path(point), 'recipients.txt'), 'utf8')).toBe('age\nalice\n');
    expect(verify(shell).result).toMatchObject({ verdict: 'verified', id: point });
  });

  test('is encrypted anew to others; the old files are gone, and what is current is left alone', () => {
    backup(shell);
    const [point = ''] = job.points();
    identity('alice', 'bob');
    const again = () => job.run('reencrypt', environment(true, 'bob'), shell);
    expect(again().log).toMatch(/series orders: 1 recovery points re-encrypted, 0 were current already/);
    expect(readdirSync(path(point))).toEqual([
      '001.r1.gz.age',
      '002.r1.gz.age',
      'SHA256SUMS',
      'facts.r1.age',
      'manifest.json',
      'recipients.r1.txt',
    ]);
    identity('bob');
    expect(verify(shell).result).toMatchObject({ verdict: 'verified' });
    expect(again().log).toMatch(/series orders: 0 recovery points re-encrypted, 1 were current already/);
    identity('alice');
    expect(verify(shell)).toMatchObject({
      code: 78,
      result: { reason: expect.stringMatching(/is encrypted with age to bob\. Put a matching key/) },
    });
  });
});

describe('re-encryption', () => {
  test('removes what a killed one has left, and only that', () => {
    backup();
    const [point = ''] = job.points();
    verify();
    for (const file of ['001.r1.gz.age', 'facts.r1.age', 'SHA256SUMS.new']) writeFileSync(join(path(point), file), 'half');
    expect(verify().result).toMatchObject({ verdict: 'verified' });
    job.run('reencrypt', environment(true, 'alice'));
    expect(readdirSync(path(point))).toEqual([
      '001.gz.age',
      '002.gz.age',
      'SHA256SUMS',
      'facts.age',
      'manifest.json',
      'recipients.txt',
      'verified.json',
    ]);
  });

  test('killed at random instants, loses nothing, and is repeated until it is done', () => {
    backup();
    const [point = ''] = job.points();
    identity('alice', 'bob');
    const random = new Random(FAULT_SEED);
    for (let kills = 0; kills < 6; kills += 1) {
      const env = job.environment(environment(true, 'bob'));
      mkdirSync(join(env.SCRATCH ?? '', 'outcome'));
      const seconds = (20 + random.below(250)) / 1000;
      spawnSync('timeout', ['-s', 'KILL', String(seconds), 'sh', join(env.BACKUP_HOME ?? '', 'shell', 'reencrypt.sh')], { env });
      expect(verify().result, `killed after ${seconds} s`).toMatchObject({ verdict: 'verified', id: point });
    }
    expect(job.run('reencrypt', environment(true, 'bob')).code).toBe(0);
    identity('bob');
    expect(verify().result).toMatchObject({ verdict: 'verified' });
  });

  test('goes on after a recovery point that is damaged, and says which', () => {
    backup();
    const [damaged = ''] = job.points();
    backup();
    const sound = job.points().find(point => point !== damaged) ?? '';
    writeFileSync(join(path(damaged), '002.gz.age'), 'damaged');
    const before = sums(damaged);
    identity('alice', 'bob');
    const { code, result, log } = job.run('reencrypt', environment(true, 'bob'));
    expect(code).toBe(1);
    expect(result.reason).toMatch(new RegExp(`^1 of 2 recovery points .* the first: recovery point ${damaged} is damaged: 002.gz.age`));
    expect(log).toContain(`encrypted anew: ${sound}`);
    expect(sums(damaged)).toBe(before);
    expect(readdirSync(path(damaged)).filter(name => name.includes('.r1'))).toEqual([]);
  });

  test('leaves what is not encrypted as it is, and says so', () => {
    job.run('backup');
    const { log, code } = job.run('reencrypt', environment(true, 'alice'));
    expect(code).toBe(0);
    expect(log).toMatch(/1 recovery points are not encrypted at all, and stay unencrypted/);
  });

  test('takes safety backups and the archived log along', () => {
    job.run('backup', { ...environment(false, 'alice'), SERIES: 'orders-safety' });
    job.run('backup', { ...environment(false, 'alice'), SERIES: 'orders-log' });
    identity('alice', 'bob');
    const { log } = job.run('reencrypt', environment(true, 'bob'));
    for (const series of ['safety', 'log']) expect(log).toMatch(new RegExp(`series orders-${series}: 1 recovery points re-encrypted`));
  });
});

describe('a repository that changes its mind', () => {
  test('what was not encrypted stays readable', () => {
    job.run('backup');
    expect(verify().result).toMatchObject({ verdict: 'verified' });
  });

  test('what was encrypted stays readable with its key, and says so without', () => {
    backup();
    expect(job.run('verify', { TOOLS: join(job.directory, 'bin'), DECRYPTION_PATH: keys }).result).toMatchObject({ verdict: 'verified' });
    expect(job.run('verify')).toMatchObject({
      code: 78,
      result: { reason: expect.stringMatching(/is encrypted with age to alice, and this job has no key/) },
    });
  });

  test('sizes are compared and recovery points pruned without a key', () => {
    const retention = { RETENTION: 'last=1 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1', SIZE_DROP_LIMIT: '20', CHAINS: 'yes' };
    backup();
    expect(job.run('backup', { ...environment(false, 'alice'), ...retention }).result).toMatchObject({ verdict: 'published' });
    expect(job.points()).toHaveLength(1);
    job.engine({ dump: 'put a true; fact n 1' });
    expect(job.run('backup', { ...environment(false, 'alice'), ...retention }).result.reason).toMatch(/a drop of more than 20 %/);
  });
});

test('the log of a busy night is told from data that is gone without a key, too', () => {
  const night = (log: number) => {
    job.engine({
      dump: `put data.txt head -c 50000 /dev/urandom; put log.txt head -c ${log} /dev/urandom; about logBytes ${log}; fact n 1`,
    });
    return job.run('backup', environment(false, 'alice')).result;
  };
  expect(night(100_000).verdict).toBe('published');
  expect(night(10)).toMatchObject({ verdict: 'published', reason: '' });
});

test('a backup that builds on others, and has the key, reads them', () => {
  backup();
  const [parent = ''] = job.points();
  job.engine({
    dump: `repository_get ${parent} secret_name.txt >"$SCRATCH/parent" || die "$(repository_reason)"
      needs ${parent}; put a cat "$SCRATCH/parent"; fact n 1`,
  });
  expect(job.run('backup', environment(true, 'alice')).result).toMatchObject({ verdict: 'published' });
  expect(job.run('backup', environment(false, 'alice'))).toMatchObject({ code: 78 });
});

test('what cannot encrypt ends before the dump: no age, or none that takes the recipients', () => {
  job.engine({ dump: 'touch "$BACKUP_HOME/../dumped"; put a echo a; fact n 1' });
  expect(job.run('backup', { ...environment(false, 'alice'), TOOLS: '' })).toMatchObject({
    code: 78,
    result: { reason: expect.stringMatching(/^age is not in this pod/) },
  });
  writeFileSync(join(job.directory, 'bin', 'age'), '#!/bin/sh\necho "age: error: malformed recipient" >&2; exit 1\n');
  expect(backup()).toMatchObject({
    code: 78,
    result: { reason: expect.stringMatching(/^nothing can be encrypted \(age, to alice\): age: error: malformed/) },
  });
  expect(readdirSync(job.directory)).not.toContain('dumped');
});
