import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runScript, type ScriptOptions } from '../shell/script';

// What the archive of MariaDB's binary log takes for the end of a file, for the log of another beginning, and for a log that holds all.

let directory: string;
const spool = () => join(directory, 'spool');
const HISTORY = '1700000000-7-1700000001';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'binlog-'));
  mkdirSync(join(spool(), HISTORY), { recursive: true });
  writeFileSync(join(spool(), 'current'), `${HISTORY}\n`);
});
afterEach(() => rmSync(directory, { recursive: true }));

const run = (script: string, options: Partial<ScriptOptions> = {}) =>
  runScript('mysql-physical', script, {
    directory,
    ...options,
    environment: { SPOOL: spool(), DIALECT: 'mariadb', TLS: '', ARCHIVE_PATIENCE: '0', ...options.environment },
  });

const [STOP, ROTATE, FORMAT, OTHER] = [3, 4, 15, 2];
/** An event of the log as it is in a file: its header, what it says, and a checksum. */
function event(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(19);
  header.writeUInt32LE(1_700_000_000, 0);
  header.writeUInt8(type, 4);
  header.writeUInt32LE(7, 5);
  header.writeUInt32LE(19 + body.length + 4, 9);
  return Buffer.concat([header, body, Buffer.alloc(4)]);
}
function binlog({ atStartup = false, born = 1_700_000_000, end }: { atStartup?: boolean; born?: number; end?: Buffer } = {}): Buffer {
  const format = Buffer.alloc(233);
  format.writeUInt32LE(atStartup ? born : 0, 52);
  const first = event(FORMAT, format);
  first.writeUInt32LE(born, 0);
  return fileOf([first, event(OTHER, Buffer.alloc(200)), ...(end ? [end] : [])]);
}
/** A file of the server's: each event says where it ends. */
function fileOf(events: Buffer[]): Buffer {
  let position = 4;
  for (const each of events) {
    position += each.length;
    each.writeUInt32LE(position, 13);
  }
  return Buffer.concat([Buffer.from([0xfe, 0x62, 0x69, 0x6e]), ...events]);
}
/** Where a file without an end has its last event. */
const END = binlog().length;
const rotate = (next: string) => event(ROTATE, Buffer.concat([Buffer.alloc(8), Buffer.from(next)]));
const received = (number: number, content: Buffer) => writeFileSync(join(spool(), HISTORY, `binlog.00000${number}`), content);

describe('a file after which another one was received', () => {
  test.each([
    ['that names it', { end: rotate('binlog.000002') }, {}],
    ['that says that the server was stopped', { end: event(STOP, Buffer.alloc(0)) }, { atStartup: true }],
    ['that a crash has cut off', {}, { atStartup: true }],
  ])('%s is complete', (_, file, next) => {
    received(1, binlog(file));
    received(2, binlog(next));
    expect(run('log-choose').output).toMatch(/^\S+ binlog\.000001 0 \d+ end\n\S+ binlog\.000002 0 \d+ open\n$/);
  });

  test.each([
    ['that says nothing of it', {}],
    ['that names another one', { end: rotate('binlog.000009') }],
  ])('%s is not: the server has begun its log anew, and what it wrote before that file is not here', (_, file) => {
    received(1, binlog(file));
    received(2, binlog());
    const { output, log } = run('log-choose');
    expect(output).toMatch(/^\S+ binlog\.000001 0 \d+ open\n/);
    expect(log).toContain(
      "WARNING: binlog.000002 does not continue where binlog.000001 ends: the server's binary logs have been reset (RESET MASTER); take a backup now",
    );
    expect(run('log-choose').log).toBe('');
  });

  test('is not judged by what was made this moment, but stored: the server may have said that it has written no more', () => {
    received(1, binlog());
    received(2, Buffer.alloc(0));
    expect(run('log-choose').output).toBe(`${HISTORY} binlog.000001 0 ${END} open\n`);
  });
});

describe('a receiver', () => {
  /** The server says that it is at a position of a file that began at a time. */
  const server = (file: string, position: number, born: number) => {
    writeFileSync(join(directory, 'first'), binlog({ born }));
    return {
      mariadb: `printf '${file}\\t${position}\\t\\t\\n'`,
      'mariadb-binlog': `for word; do case $word in --result-file=*) cp '${directory}/first' "\${word#*=}${file}" ;; esac; done`,
    };
  };
  const judged = (programs: { [name: string]: string }) => {
    const { code, log } = run('log-received', {
      programs,
      environment: { SERVER_HOST: 'db', SERVER_PORT: '3306', SERVER_USER: 'b', SERVER_PASSWORD: 'b' },
    });
    const anew = join(directory, 'scratch/anew');
    const begins = existsSync(anew);
    rmSync(anew, { force: true });
    return { code, log, begins };
  };

  test('has not all where a file before the newest is shorter than the server’s: the follower begins again', () => {
    received(2, Buffer.alloc(0));
    received(3, binlog());
    const programs = server('binlog.000003', END, 1_700_000_000);
    programs.mariadb = `for statement; do :; done; case $statement in *logs) printf 'binlog.000002\\t700\\nbinlog.000003\\t${END}\\n' ;; *) ${programs.mariadb} ;; esac`;
    expect(judged(programs)).toMatchObject({ code: 1, begins: true, log: expect.stringContaining('(binlog.000002)') });
    received(2, Buffer.alloc(700));
    expect(judged(programs)).toMatchObject({ code: 0, begins: false });
  });

  test('has not all where something is missing in the middle, however much has come since', () => {
    const event_ = () => event(OTHER, Buffer.alloc(77));
    const whole = fileOf([...Array.from({ length: 3 }, event_), event(OTHER, Buffer.alloc(70_000)), event_(), event_()]);
    const position = whole.length - 100;
    received(3, whole);
    expect(judged(server('binlog.000003', position, 1_700_000_000))).toMatchObject({ code: 0 });
    expect(readFileSync(join(directory, 'scratch/written-to'), 'utf8')).toBe(`${HISTORY} binlog.000003:${position}\n`);
    // One event less, and two more.
    received(3, Buffer.concat([whole.subarray(0, 104), whole.subarray(204), Buffer.alloc(200)]));
    expect(judged(server('binlog.000003', position, 1_700_000_000))).toMatchObject({
      code: 1,
      begins: true,
      log: expect.stringContaining('part of the received binlog.000003 is missing in the middle'),
    });
    expect(existsSync(join(directory, 'scratch/written-to'))).toBe(false);
    expect(run('log-choose').output).toBe('');
    // Nor where nothing comes any more.
    expect(judged(server('binlog.000003', 9_000_000, 1_700_000_000))).toMatchObject({ code: 1, begins: true });
    const hole = join(spool(), HISTORY, 'binlog.000003.hole');
    expect(readFileSync(hole, 'utf8')).toBe('104\n');
    rmSync(hole);
    // Of what was stored beyond it the rest of the log is no continuation.
    writeFileSync(join(spool(), HISTORY, 'stored'), 'binlog.000003 204\n');
    expect(judged(server('binlog.000003', position, 1_700_000_000))).toMatchObject({ code: 1, begins: true });
    expect(existsSync(hole)).toBe(false);
  });

  test.each([
    ['has all that the server has written', () => server('binlog.000003', END, 1_700_000_000), { code: 0, begins: false, log: '' }],
    [
      'lacks the end',
      () => server('binlog.000003', 9000, 1_700_000_000),
      { code: 1, begins: false, log: expect.stringContaining('ends at binlog.000003:') },
    ],
    ['lacks the newest file', () => server('binlog.000004', 400, 1_700_000_000), { code: 1, begins: false }],
    [
      'has a file of that name from before a reset, longer or not',
      () => server('binlog.000003', 9000, 1_800_000_000),
      { code: 1, begins: true, log: expect.stringContaining('RESET MASTER') },
    ],
    ['is in a later file than the server, which was reset', () => server('binlog.000001', 400, 1_800_000_000), { code: 1, begins: true }],
    ['is in files of another name', () => server('mysql-bin.000007', 400, 1_800_000_000), { code: 1, begins: true }],
  ])('that %s', (_, programs, expected) => {
    received(3, binlog());
    expect(judged(programs())).toMatchObject(expected);
  });
});

describe('where the follower begins', () => {
  /** What the server lists is what is there of its files, each as it says. */
  function follow(files: { [number: number]: Buffer }, sends: { [number: number]: Buffer } = files) {
    const at = join(directory, 'server');
    rmSync(at, { recursive: true, force: true });
    mkdirSync(at);
    for (const [number, content] of Object.entries(sends)) writeFileSync(join(at, `binlog.00000${number}`), content);
    const list = Object.entries(files).map(([number, content]) => `binlog.00000${number}\\t${content.length}\\n`);
    const answers = { log_bin: 'log_bin\\tON\\n', log_slave_updates: 'log_slave_updates\\tON\\n' };
    const { code, log } = run('log-follow', {
      environment: { SERVER_HOST: 'db', SERVER_PORT: '3306', SERVER_USER: 'b', SERVER_PASSWORD: 'b', REPLICA_ID: '9' },
      programs: {
        mariadb: `for statement; do :; done; case $statement in ${Object.entries(answers)
          .map(([name, answer]) => `*"like '${name}'"*) printf '${answer}' ;;`)
          .join(
            ' ',
          )} 'show master status') printf 'binlog.000001\\t400\\t\\t\\n' ;; 'show binary logs') printf '${list.join('')}' ;; *floor*) echo 0 ;; esac`,
        // It sends every file from the first on, or the beginning of one.
        'mariadb-binlog': `last=all; for word; do case $word in --result-file=*) into=\${word#*=} ;; --stop-position=*) last=one ;; esac; done
          [ $last = all ] || { head -c 300 "${at}/$word" >"$into$word"; exit; }
          for file in "${at}"/*; do
            if ! [ "\${file##*/}" \\< "$word" ]; then cp "$file" "$into\${file##*/}"; fi
          done`,
      },
    });
    expect(code, log).toBe(0);
    return { log, from: /receiving the binary log from (\S+) on/.exec(log)?.[1] };
  }
  const current = () => readFileSync(join(spool(), 'current'), 'utf8').trim();
  const gap = () => (existsSync(join(directory, 'gap')) ? readFileSync(join(directory, 'gap'), 'utf8') : '');
  const chosen = () => run('log-choose').output.trim().split('\n');
  const log = (end?: number) => binlog(end ? { end: rotate(`binlog.00000${end}`) } : {});
  const [one, two, three] = [log(2), log(3), log()];
  const empty = Buffer.alloc(0);

  test('is the first file that a full volume has cut short, and what it left of the others is received again', () => {
    received(1, one);
    received(2, empty);
    received(3, empty);
    expect(follow({ 1: one, 2: two, 3: three })).toMatchObject({ from: 'binlog.000002' });
    expect(chosen()).toEqual([
      `${HISTORY} binlog.000001 0 ${one.length} end`,
      `${HISTORY} binlog.000002 0 ${two.length} end`,
      `${HISTORY} binlog.000003 0 ${three.length} open`,
    ]);
    expect(gap()).toBe('');
  });

  test('is the newest file of which something in the middle is missing: what came before that is the server’s', () => {
    received(3, Buffer.concat([three.subarray(0, 260), Buffer.alloc(500, 7)]));
    writeFileSync(join(spool(), HISTORY, 'binlog.000003.hole'), '260\n');
    expect(follow({ 3: three })).toMatchObject({ from: 'binlog.000003' });
    expect(chosen()).toEqual([`${HISTORY} binlog.000003 0 ${three.length} open`]);
    expect([gap(), current()]).toEqual(['', HISTORY]);
    expect(readdirSync(join(spool(), HISTORY)).sort()).toEqual(['binlog.000003', 'stored']);
  });

  test('is not a file that the server has no more: that is a gap', () => {
    received(1, one);
    received(2, empty);
    received(3, three);
    expect(follow({ 3: three })).toMatchObject({ from: 'binlog.000003' });
    expect(gap()).toContain('the server removed binlog.000002 before all of it was received');
    expect(chosen().at(-1)).toBe(`${HISTORY} binlog.000003 0 ${three.length} open`);
  });

  test('is the next history where the last file with a birth is not the server’s, or none is known', () => {
    const other = binlog({ born: 1_800_000_000 });
    received(1, one);
    received(2, empty);
    follow({ 1: other, 2: other });
    expect(current()).not.toBe(HISTORY);
    expect(gap()).toContain('started a new binary log');
    expect(chosen()[0]).toMatch(new RegExp(`^${HISTORY} binlog\\.000001 0 ${one.length} end$`));
  });

  test.each([
    ['the same', one, true],
    ['another', binlog({ born: 1_800_000_000, end: rotate('binlog.000002') }), false],
  ])('is told by the file that was stored and removed last, where nothing else is left: it is %s', (_, first, goesOn) => {
    received(1, one);
    received(2, empty);
    writeFileSync(join(spool(), HISTORY, 'stored'), '');
    writeFileSync(join(directory, 'chosen'), `${HISTORY} binlog.000001 0 ${one.length} end\n`);
    expect(run('log-stored', { arguments: [join(directory, 'chosen')] }).code).toBe(0);
    follow({ 1: first, 2: three });
    expect(current() === HISTORY).toBe(goesOn);
    expect(gap() === '').toBe(goesOn);
  });

  test('is not the old history where no file tells', () => {
    received(2, empty);
    follow({ 2: three });
    expect(current()).not.toBe(HISTORY);
    expect(gap()).not.toBe('');
  });

  test('loses nothing that was received: a server that dies while it sends anew has sent it before', () => {
    received(3, three);
    follow({ 3: three }, { 3: three.subarray(0, 100) });
    expect(chosen()).toEqual([`${HISTORY} binlog.000003 0 ${three.length} open`]);
    writeFileSync(join(directory, 'chosen'), `${HISTORY} binlog.000003 0 ${three.length} open\n`);
    expect(run('log-pack', { arguments: [join(directory, 'chosen')] }).code).toBe(0);
    const aside = join(spool(), HISTORY, 'binlog.000003.kept');
    expect(existsSync(aside)).toBe(true);
    follow({ 3: three });
    chosen();
    expect(existsSync(aside)).toBe(false);
    expect(gap()).toBe('');
  });

  test('what was put aside goes when it is stored', () => {
    received(3, three);
    follow({ 3: three }, { 3: three.subarray(0, 100) });
    writeFileSync(join(spool(), HISTORY, 'stored'), `binlog.000003 ${three.length}\n`);
    expect(chosen()).toEqual(['']);
    expect(existsSync(join(spool(), HISTORY, 'binlog.000003.kept'))).toBe(false);
  });

  test('what was put aside and is stored is compared all the same', () => {
    received(3, three);
    follow({ 3: three }, { 3: three.subarray(0, 100) });
    writeFileSync(join(spool(), HISTORY, 'stored'), `binlog.000003 ${three.length}\n`);
    chosen();
    received(3, Buffer.concat([three, Buffer.alloc(9)]));
    expect(chosen()).toEqual([`${HISTORY} binlog.000003 ${three.length} ${three.length + 9} open`]);
    expect(gap()).toBe('');

    follow({ 3: three }, { 3: three.subarray(0, 100) });
    writeFileSync(join(spool(), HISTORY, 'stored'), `binlog.000003 ${three.length + 9}\n`);
    chosen();
    received(3, Buffer.concat([three, Buffer.alloc(99, 1)]));
    expect(chosen()).toEqual(['']);
    expect(gap()).toContain('from the one received before');
    follow({ 3: three });
    expect(current()).not.toBe(HISTORY);
  });

  test('a file that begins like the old one and goes on otherwise is of another history', () => {
    const otherwise = Buffer.concat([three.subarray(0, 300), Buffer.alloc(400, 7)]);
    received(3, three);
    follow({ 3: three }, { 3: otherwise });
    expect(chosen()).toEqual([`${HISTORY} binlog.000003 0 ${three.length} open`]);
    expect(gap()).toContain('the server now sends a different binlog.000003 from the one received before');
    expect(existsSync(join(directory, 'scratch/anew'))).toBe(true);
    // What it sends now is not among that: the batch is not all that there is.
    expect(existsSync(join(directory, 'scratch/more'))).toBe(true);
    follow({ 3: otherwise });
    expect(current()).not.toBe(HISTORY);
  });
});

describe('a server that does not log what others send it', () => {
  const follow = (variables: { [name: string]: string }, running = 0) =>
    run('log-follow', {
      environment: { SERVER_HOST: 'db', SERVER_PORT: '3306', SERVER_USER: 'b', SERVER_PASSWORD: 'b', REPLICA_ID: '9' },
      programs: {
        mariadb: `for statement; do :; done; case $statement in ${Object.entries({ log_bin: 'ON', log_slave_updates: 'OFF', ...variables })
          .map(([name, value]) => `*"like '${name}'"*) printf '${name}\\t${value}\\n' ;;`)
          .join(
            ' ',
          )} 'show master status') printf 'binlog.000001\\t400\\t\\t\\n' ;; *Slaves_running*) echo ${running} ;; *floor*) echo 60 ;; esac`,
      },
    });

  test.each([
    ['a replica', {}, 1, /a replica: its log lacks what its primary sends/],
    ['a replica that stands still', { gtid_slave_pos: '0-1-77' }, 0, /a replica: its log lacks what its primary sends/],
    ['a node of a cluster', { wsrep_on: 'ON' }, 0, /a node of a cluster: its log lacks what is written through other nodes/],
  ])('%s is refused', (_, variables, running, says) => {
    expect(follow(variables, running)).toMatchObject({ code: 78, reason: expect.stringMatching(says) });
  });

  test('one to which nobody sends anything, or that logs it, is not', () => {
    expect(follow({}).reason).toMatch(/^the server removes its binary logs after 60 s/);
    expect(follow({ log_slave_updates: 'ON', gtid_slave_pos: '0-1-77' }).reason).toMatch(/^the server removes its binary logs after 60 s/);
  });
});

test('what mariadb-backup does not copy is named', () => {
  const data = join(directory, 'data');
  const say = () => {
    writeFileSync(join(directory, 'say.sh'), '. "$BACKUP_HOME/engine/physical.sh"; : >"$SCRATCH/caveats"; say_left_out');
    runScript('mysql-physical', '../../say', { directory, environment: { DIALECT: 'mariadb', TLS: '', DATA_DIRECTORY: data } });
    return readFileSync(join(directory, 'scratch/caveats'), 'utf8');
  };
  for (const path of ['shop', 'mysql/.before-20260101000000/shop', 'lost+found', '#rocksdb'])
    mkdirSync(join(data, path), { recursive: true });
  for (const file of [
    'ibdata1',
    'shop/a.frm',
    'shop/a.ibd',
    'shop/b.CSV',
    'shop/db.opt',
    'shop/a#P#p0.ibd',
    'mysql/.before-20260101000000/x',
    '#rocksdb/1.sst',
  ]) {
    writeFileSync(join(data, file), '');
  }
  expect(say()).toBe('');
  writeFileSync(join(data, 'shop/export.dbf'), '');
  writeFileSync(join(data, 'master.info'), 'primary');
  expect(say()).toMatch(
    /^files .* are left out: shop\/export\.dbf\nthe server is a replica, and the address of its primary \(master\.info\) is left out/,
  );
});

describe('a replay', () => {
  /** Of what mariadb-binlog prints of the only file, and what the client says of statements that fail. */
  const replay = (
    log: string[],
    says: string[] = [],
    until = 'latest',
    { file = Buffer.alloc(9999), written = '', unreadable = false }: { file?: Buffer; written?: string; unreadable?: boolean } = {},
  ) => {
    const ends = log.map((_, line) => /^# at (\d+)/.exec(log.slice(line + 1).find(later => later.startsWith('# at ')) ?? '# at 9999')?.[1]);
    writeFileSync(
      join(directory, 'log'),
      log.map((text, line) => `${text.replace(/end_log_pos 9 /, `end_log_pos ${ends[line]} `)}\n`).join(''),
    );
    writeFileSync(join(directory, 'file'), file);
    writeFileSync(join(directory, 'says'), says.map(line => `${line}\n`).join(''));
    writeFileSync(
      join(directory, 'replay.sh'),
      `. "$BACKUP_HOME/engine/physical.sh"
      . "$BACKUP_HOME/engine/replay.sh"
      : >"$SCRATCH/caveats"
      BATCHES=1 start_file=binlog.000001 start_position=4 start_birth=1700000000-7 newest_history=${HISTORY}
      mkdir -p "$SCRATCH/log/outcome"
      printf 'one\n${unreadable ? 'two\n' : ''}' >"$SCRATCH/log/batches"
      birth() { echo "$start_birth"; }
      sh() { # read-log.sh
        [ "$2" = next ] || return 0
        [ "$(head -n 1 "$SCRATCH/log/batches")" = one ] || { echo 'it is damaged' >"$SCRATCH/log/outcome/reason"; return 1; }
        sed -i 1d "$SCRATCH/log/batches"
        mkdir "$LOG_DIRECTORY/${HISTORY}"
        echo 0 >"$LOG_DIRECTORY/${HISTORY}/$file.from"
        cp '${directory}/file' "$LOG_DIRECTORY/${HISTORY}/$file"
        [ -z '${written}' ] || echo '${written}' >"$LOG_DIRECTORY.written"
      }
      replay`,
    );
    const { code, reason } = runScript('mysql-physical', '../../replay', {
      directory,
      environment: { DIALECT: 'mariadb', TLS: '', UNTIL: until },
      programs: {
        // It begins at the first event that says the time that is asked for.
        'mariadb-binlog': `for word; do case $word in --start-datetime=*) printf '# at 4\\n# at 500\\n'; exit ;; esac; done; cat '${directory}/log'`,
        mariadb: `cat >/dev/null; cat '${directory}/says' >&2`,
      },
    });
    return { code, reason, caveats: readFileSync(join(directory, 'scratch/caveats'), 'utf8') };
  };
  const failed = (at: number, error: number) => [
    `# at ${at}`,
    `#260801 10:00:00 server id 7  end_log_pos 9 \tQuery\tthread_id=5\texec_time=0\terror_code=${error}\txid=0`,
  ];
  const error = (code: number) => [
    '--------------',
    'insert into cards values (4111)',
    '--------------',
    '',
    `ERROR ${code} (23000) at line 7: Duplicate entry '4111'`,
  ];

  test('meets the errors again that statements with an effect met there, and goes on', () => {
    expect(replay(failed(300, 0))).toMatchObject({ code: 0 });
    expect(replay([...failed(300, 1062), ...failed(400, 1396)], [...error(1062), ...error(1396)])).toMatchObject({ code: 0 });
  });

  test('goes on after what was not there to be dropped, which the log does not note', () => {
    expect(replay([...failed(300, 1062)], [...error(1051), ...error(1062), ...error(4091)])).toMatchObject({ code: 0 });
  });

  test('ends with any other error, of which no row is told', () => {
    const other = replay(failed(300, 0), error(1062));
    expect(other).toMatchObject({
      code: 1,
      reason: expect.stringMatching(/^the server refused a statement of its own log, after \S+: ERROR 1062 \(23000\) at line 7$/),
    });
    expect(replay(failed(300, 1396), error(1062)).reason).toMatch(
      /: ERROR 1062 .* line 7, and not the error 1396 that it records at binlog\.000001:300$/,
    );
  });

  test('that ends before what the server had written is not whole, though nothing else tells', () => {
    const log = failed(300, 0);
    const size = 9999;
    const to = (position: number, of = HISTORY, number = 1) => ({ written: `${of} binlog.00000${number}:${position}` });
    for (const there of [to(size), to(size - 9), to(99_999, '1800000000-7-1800000001')]) {
      expect(replay(log, [], 'latest', there)).toMatchObject({ code: 0, caveats: '' });
    }
    for (const more of [to(size + 1), to(4, HISTORY, 2)]) {
      expect(replay(log, [], 'latest', more)).toMatchObject({
        code: 1,
        reason: expect.stringMatching(
          /^the archived log has a gap: it ends at binlog\.000001:\d+, although the server had written up to binlog/,
        ),
      });
      expect(replay(log, [], 'gap', more)).toMatchObject({
        code: 0,
        caveats: expect.stringMatching(/^nothing that the server wrote later comes back: the archived log has a gap: it ends at/),
      });
    }
  });

  test('does not go beyond what is missing in the middle of a file, though all of its events are sound', () => {
    const events = [4, 104, 204].map(() => event(OTHER, Buffer.alloc(77)));
    const printed = (ats: number[], displaced: number) =>
      ats.flatMap((at, n) => [`# at ${at}`, `#260801 10:00:00 server id 7  end_log_pos ${at + 100 + (n > 1 ? displaced : 0)} \tXid = 7`]);
    const whole = fileOf(events);
    expect(replay(printed([4, 104, 204], 0), [], 'latest', { file: whole })).toMatchObject({ code: 0, caveats: '' });
    // What a statement says is no event.
    const says = [...printed([4, 104, 204], 0), '# at 77', '#260801 10:00:00 server id 7  end_log_pos 78'];
    expect(replay(says, [], 'latest', { file: whole })).toMatchObject({ code: 0, caveats: '' });

    // What is in the middle of a transaction tells no position, since MariaDB 11.
    const silent = Buffer.from(whole);
    silent.writeUInt32LE(0, 117);
    const silently = printed([4, 104, 204], 0).map(line => line.replace('end_log_pos 204', 'end_log_pos 0'));
    expect(replay(silently, [], 'latest', { file: silent })).toMatchObject({ code: 0, caveats: '' });
    expect(replay([...silently, ...says.slice(-2)], [], 'latest', { file: silent })).toMatchObject({ code: 0, caveats: '' });

    const holed = Buffer.from(whole);
    holed.writeUInt32LE(404, 217);
    const log = printed([4, 104, 204], 100);
    expect(replay(log, [], 'latest', { file: holed })).toMatchObject({
      code: 1,
      reason: expect.stringMatching(/^the archived log has a gap: binlog\.000001 lacks bytes 204 to later ones, as after a full volume/),
    });
    expect(replay(log, [], 'gap', { file: holed })).toMatchObject({ code: 0, caveats: expect.stringContaining('bytes 204 to later ones') });
  });

  test('ends where a batch cannot be read, and goes as far as that where it may', () => {
    expect(replay(failed(300, 0), [], 'latest', { unreadable: true })).toMatchObject({
      code: 1,
      reason: 'the archived log could not be read: it is damaged',
    });
    const { code, caveats } = replay(failed(300, 0), [], 'gap', { unreadable: true });
    expect(code).toBe(0);
    expect(caveats).toMatch(
      /^nothing that the server wrote later comes back: .*what comes after binlog\.000001 cannot be read: it is damaged/,
    );
  });

  test('of a statement that was interrupted half way is not what the server did', () => {
    expect(replay([...failed(300, 1062), ...failed(400, 1317)], error(1062))).toMatchObject({
      code: 1,
      reason: expect.stringMatching(
        /^the replay differs from what the server did: no error where the log records error 1317, at binlog\.000001:400: /,
      ),
    });
  });

  test.each([
    [
      'of statements',
      { binlog_format: 'STATEMENT', time_zone: '+00:00' },
      /^binlog_format of the server was STATEMENT: .*a different effect/,
    ],
    [
      'of statements in a time zone that is not told',
      { binlog_format: 'MIXED', time_zone: 'SYSTEM', system_time_zone: 'CEST' },
      /^the server used the time zone of its machine, CEST/,
    ],
    ['of statements in UTC', { binlog_format: 'MIXED', time_zone: 'SYSTEM', system_time_zone: 'UTC' }, /^$/],
    ['of rows', { binlog_format: 'ROW', time_zone: 'SYSTEM', system_time_zone: 'CEST' }, /^$/],
  ])('%s is told of where it may have another effect', (_, variables, says) => {
    const told = Object.entries(variables).map(([name, value]) => `'${name}') echo ${value} ;;`);
    const body = `. "$BACKUP_HOME/engine/physical.sh"
      . "$BACKUP_HOME/engine/log.sh"
      variable() { case "$1" in ${told.join(' ')} esac; }
      : >"$SCRATCH/caveats" && : >"$SCRATCH/about"
      note_log_settings
      { echo '"about":{'; comma_lines "$SCRATCH/about"; echo '},'; } >"$SCRATCH/manifest.json"
      say_log_settings`;
    writeFileSync(join(directory, 'settings.sh'), body);
    expect(runScript('mysql-physical', '../../settings', { directory, environment: { DIALECT: 'mariadb', TLS: '' } }).code).toBe(0);
    expect(readFileSync(join(directory, 'scratch/caveats'), 'utf8').trim()).toMatch(says);
  });

  test('that cannot begin, as the recovery point does not say where the log stood, is told of', () => {
    const body = `. "$BACKUP_HOME/engine/physical.sh"
      . "$BACKUP_HOME/engine/replay.sh"
      sh() { echo 3; }
      mkdir -p "$SCRATCH/log"
      for of in "$SCRATCH/log/manifest.json" "$SCRATCH/manifest.json"; do echo '{"name":"server.cnf","bytes":1,"digest":"x"}' >"$of"; done
      : >"$SCRATCH/caveats"
      UNTIL=latest
      choose_target
      replay`;
    writeFileSync(join(directory, 'choose.sh'), body);
    expect(
      runScript('mysql-physical', '../../choose', { directory, environment: { DIALECT: 'mariadb', TLS: '', HAS_LOG: 'yes' } }).code,
    ).toBe(0);
    expect(readFileSync(join(directory, 'scratch/caveats'), 'utf8')).toMatch(
      /^nothing of the archived log is replayed: recovery point \S+ does not record/,
    );
  });

  test('to a moment tells of what says an earlier time after its end', () => {
    const transaction = (at: number, time: string) => [`# at ${at}`, `#${time} server id 7  end_log_pos 9 \tGTID 0-7-1 trans`];
    const around = [...transaction(400, '260801  9:59:00'), ...transaction(500, '960801 10:00:00')];
    expect(
      replay([...around, ...transaction(600, '260801 10:00:30'), ...transaction(700, '260801  9:59:30')], [], '2026-08-01T10:00:00Z')
        .caveats,
    ).toBe('');
    const set = replay(
      [...around, ...transaction(600, '260801  9:57:00'), ...transaction(700, '260801 10:05:00')],
      [],
      '2026-08-01T10:00:00Z',
    );
    expect(set).toMatchObject({
      code: 0,
      caveats: expect.stringMatching(
        /^the replay ended before binlog\.000001:500, .* But 1 transactions after it .* \(from binlog\.000001:600 to binlog\.000001:600\): a session had set its own time/,
      ),
    });
  });
});
