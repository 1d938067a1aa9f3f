import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Size } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { Engine, type MariadbEngineOptions, MariadbVersion, MysqlTls, MysqlVersion, SecretRef } from '../../lib';
import { backup, chart, container, environment, objects, podSpec } from '../support/synth';

const mariadb = (different: Partial<MariadbEngineOptions> = {}) => Engine.mariadb({ version: MariadbVersion.V11_8, ...different });

describe('options that is invalid', () => {
  test.each([
    [{ databases: ['a', ''] }, /engine\.databases\[1\] is "": write the name of a database/],
    [{ databases: ['a\nb'] }, /without control characters/],
    [{ databases: ['ж'.repeat(65)] }, /at most 64 characters/],
    [{ databases: ['mysql'] }, /the server's own/],
    [{ databases: ['a', 'a'] }, /name each database once/],
    [{ lockTimeout: Duration.seconds(0) }, /write a second or more/],
  ])('%j', (different, error) => {
    expect(() => backup(chart(), { engine: mariadb(different) })).toThrow(error);
  });
});

test('MySQL 8.0 is warned about', () => {
  const of = chart();
  backup(of, { engine: Engine.mysql({ version: MysqlVersion.V8_0 }) });
  expect(JSON.stringify(of.node.findAll().flatMap(each => each.node.metadata))).toContain(
    'MySQL 8.0 and its image have had no security fixes since April 2026',
  );
});

test('a certificate goes to the jobs that talk to the server, and to no other', () => {
  const of = chart();
  const made = backup(of, { engine: mariadb({ tls: MysqlTls.verified(SecretRef.named('ca').key('ca.crt')) }) });
  made.addVerification();
  const { 'CronJob/orders-backup': backs, 'CronJob/orders-verify': verifies } = objects(of);
  expect(environment(backs)).toMatchObject({ DIALECT: 'mariadb', TLS: 'verified', TLS_CA: '/run/tls/mysql/ca.crt' });
  expect(podSpec(backs).volumes.map((volume: { name: string }) => volume.name)).toContain('mysql-ca');
  expect(environment(verifies)).not.toHaveProperty('SERVER_HOST');
  expect(podSpec(verifies).volumes.map((volume: { name: string }) => volume.name)).not.toContain('mysql-ca');
});

test("MySQL's image lacks flock, and gets it for a repository of files", () => {
  const of = chart();
  backup(of, { engine: Engine.mysql({ version: MysqlVersion.V8_4 }) });
  const { 'CronJob/orders-backup': job } = objects(of);
  expect(podSpec(job).initContainers).toMatchObject([{ image: 'busybox:1.37.0-musl', command: ['cp', '/bin/flock', '/tools/'] }]);
  expect(container(job).image).toBe('mysql:8.4.11-oraclelinux9');
});

/** What facts.awk says of a dump, and the dump as it lets it through. */
function count(part: string, dump: string[], name = 'shop') {
  const directory = mkdtempSync(join(tmpdir(), 'facts-'));
  const notes = join(directory, 'notes');
  try {
    const marks = { LARGEST: join(directory, 'largest'), BEGUN: join(directory, 'begun'), PLACES: join(directory, 'places') };
    const through = execFileSync('awk', ['-f', 'lib/engines/mysql/facts.awk'], {
      input: `${[...dump, '-- Dump completed'].join('\n')}\n`,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, LC_ALL: 'C', PART: part, NAME: name, NOTES: notes, POSITION: join(directory, 'position'), ...marks },
    });
    const largest = existsSync(marks.LARGEST) ? Number(readFileSync(marks.LARGEST, 'utf8')) : undefined;
    return { through, largest, notes: readFileSync(notes, 'utf8').trim().split('\n').sort() };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('what goes into a dump is counted', () => {
  test('rows, however the program lays them out and whatever they hold', () => {
    const { notes } = count('tables', [
      '-- Dumping data for table `a``b`',
      String.raw`INSERT INTO ${'`a``b`'} VALUES (1,'),('),(2,'it\'s \\'),(3,0x2C28);`,
      'INSERT INTO `a``b` (`),(`) VALUES (4),(5);',
      '-- Dumping data for table `m`',
      'INSERT INTO `m` VALUES',
      String.raw`(1,'INSERT INTO x;\n'),`,
      '(2,NULL);',
      'INSERT INTO `m` (`id`) VALUES (3),',
      '(4);',
      '-- Dumping data for table `none`',
    ]);
    expect(notes).toEqual(['rows\ta`b\t5', 'rows\tm\t4', 'rows\tnone\t0']);
  });

  test('what a database is made of, and not what its routines say', () => {
    expect(
      count('tables', [
        '-- Sequence structure for `s`',
        'CREATE TABLE `t` (',
        '  `a` int NOT NULL DEFAULT nextval(`shop`.`s`),',
        '  PRIMARY KEY (`a`),',
        '  KEY `k` (`a`),',
        "  CONSTRAINT `c` CHECK (`a` <> ' FOREIGN KEY '),",
        '  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `t` (`a`)',
        ') ENGINE=InnoDB;',
      ]),
    ).toMatchObject({
      through: expect.stringContaining('  `a` int NOT NULL DEFAULT nextval(`s`),'),
      notes: ['columns\t\t1', 'engine\tinnodb\t1', 'foreign-keys\t\t1', 'indexes\t\t2', 'sequences\t\t1', 'tables\t\t1'],
    });
    const routine = [
      'DELIMITER ;;',
      'CREATE PROCEDURE `p`()',
      'CREATE TABLE `x` (',
      'ALTER DATABASE `shop` CHARACTER SET x',
      ';;',
      'DELIMITER ;',
    ];
    const { through, notes } = count('routines', ['ALTER DATABASE `shop` CHARACTER SET latin1 COLLATE latin1_bin ;', ...routine]);
    expect(notes).toEqual(['routines\t\t1']);
    expect(through).toContain('ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_bin ;\n');
    expect(through).toContain('ALTER DATABASE `shop` CHARACTER SET x\n');
  });

  test('and how large a statement a restore has to send, on one line or on many', () => {
    expect(count('tables', ['-- Dumping data for table `a`', 'INSERT INTO `a` VALUES (1),(22);']).largest).toBe(33);
    expect(
      count('tables', ['-- Dumping data for table `a`', 'INSERT INTO `a` VALUES', '(1),', '(22);', 'INSERT INTO `a` VALUES (1);']).largest,
    ).toBe(34);
  });

  test('days that only a lenient server takes are asked for leniently', () => {
    const { through } = count('tables', [
      "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;",
      '-- Table structure for table `t`',
      'CREATE TABLE `t` (',
      ') ENGINE=InnoDB;',
    ]);
    expect(through).toContain("SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES' */;");
  });

  test('a dump without its end is none', () => {
    expect(() =>
      execFileSync('awk', ['-f', 'lib/engines/mysql/facts.awk'], { input: 'CREATE', env: { ...process.env, PART: 'tables' } }),
    ).toThrow();
  });
});

/** What a program of the engine makes of its input. */
function awk(program: string, input: string[], environment: { [name: string]: string } = {}): string[] {
  const { stdout } = spawnSync('awk', ['-f', `lib/engines/mysql/${program}.awk`], {
    input: `${input.join('\n')}\n`,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LC_ALL: 'C', ...environment },
  });
  return stdout.split('\n').slice(0, -1);
}

describe('triggers', () => {
  const inDump = (head: string) => [
    'DELIMITER ;;',
    ...`/*!50003 CREATE*/ /*!50017 DEFINER=\`a\`@\`%\`*/ /*!50003 ${head}`.split('\n'),
    'DELIMITER ;',
  ];
  test.each([
    ['as MySQL says it', 'TRIGGER `x` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = 1 */;;', undefined],
    [
      'as it was written',
      'trigger shop.x before insert on shop.t for each row set new.a = 1 */;;',
      'trigger x before insert on t for each row set new.a = 1 */;;',
    ],
    [
      'with odd names, over many lines',
      'trigger if not exists `a.``b on c` . `x on y`\n after update\n on `a.``b on c`.`t`\n for\n each row\n insert into shop.u values (1) */;;',
      'trigger if not exists `x on y`\n after update\n on `t`\n for\n each row\n insert into shop.u values (1) */;;',
    ],
  ])('%s: the head of a trigger names no database, and its body is as it was', (_, head, without = head) => {
    expect(awk('triggers', inDump(head))).toEqual(inDump(without));
  });
});

describe('what clients say of a failure holds no data', () => {
  test.each([
    [
      "ERROR 1062 (23000) at line 7: Duplicate entry 'ann@example.com' for key 'PRIMARY'",
      'ERROR 1062 (23000) at line 7: a value is there twice under a key that allows it once',
    ],
    [
      "ERROR 1064 (42000) at line 3: You have an error in your SQL syntax near 'SECRET' at line 1",
      'ERROR 1064 (42000) at line 3: the statement cannot be parsed',
    ],
    [
      "ERROR 1366 (22007) at line 9: Incorrect string value: '\\xF0SECRET' for column `a`.`b`.`c` at row 1",
      'ERROR 1366 (22007) at line 9: a value does not fit the type of its column',
    ],
    ['ERROR 9999 (HY000): SECRET', 'ERROR 9999 (HY000): the message is left out, as it may hold data'],
    ["ERROR 1146 (42S02) at line 1: Table 'shop.orders' doesn't exist", "ERROR 1146 (42S02) at line 1: Table 'shop.orders' doesn't exist"],
    [
      "mysqldump: Error 1292: Truncated incorrect DOUBLE value: 'SECRET' when dumping table `t` at row: 5",
      'mysqldump: Error 1292: a value does not fit the type of its column when dumping table `t` at row: 5',
    ],
    [
      'mariadb-dump: Error 2013: Lost connection to server during query when dumping table `noise` at row: 3',
      'mariadb-dump: Error 2013: Lost connection to server during query when dumping table `noise` at row: 3',
    ],
    [
      "mysqldump: Got error: 1045: \"Access denied for user 'b'@'h' (using password: YES)\" when trying to connect",
      "mysqldump: Got error: 1045: \"Access denied for user 'b'@'h' (using password: YES)\" when trying to connect",
    ],
    [
      "mysqldump: Couldn't execute 'SHOW FIELDS FROM `v`': SECRET (1292)",
      'mysqldump: a statement of its own failed with error 1292: a value does not fit the type of its column',
    ],
  ])('%s', (said, kept) => {
    expect(awk('said', [said])).toEqual([kept]);
  });

  test('nor the statement that a client repeats, nor the rest of a message of several lines', () => {
    const said = [
      '--------------',
      "CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*SECRET'",
      '--------------',
      '',
      "ERROR 1396 (HY000) at line 1: Operation CREATE USER failed for 'a'@'%'",
      'SECRET: of a row with a line break',
    ];
    expect(awk('said', said)).toEqual(["ERROR 1396 (HY000) at line 1: Operation CREATE USER failed for 'a'@'%'"]);
  });
});

test.each([
  [true, 'SELECT', '*', 'GRANT SELECT, EVENT ON *.* TO `b`@`%`'],
  [false, 'SELECT', '*', 'GRANT SELECT ON `%`.* TO `b`@`%`'],
  [false, 'SELECT', 'shop', 'GRANT SELECT ON `tenant\\_%`.* TO `b`@`%`'],
  [true, 'SELECT', 'tenant_a', 'GRANT SELECT ON `tenant\\_%`.* TO `b`@`%`'],
  [false, 'SELECT', 'tenantxa', 'GRANT SELECT ON `tenant\\_%`.* TO `b`@`%`'],
  [false, 'SELECT', 'shop', 'GRANT SELECT ON `shop`.`orders` TO `b`@`%`'],
  [true, 'EVENT', 'a`b', 'GRANT ALL PRIVILEGES ON `a``b`.* TO `b`@`%` WITH GRANT OPTION'],
])('it is %s that one may %s on %s by: %s', (expected, privilege, on, grant) => {
  const { status } = spawnSync('awk', ['-f', 'lib/engines/mysql/may.awk'], {
    input: `${grant}\n`,
    env: { PATH: process.env.PATH, PRIVILEGE: privilege, ON: on, TABLE: '' },
  });
  expect(status === 0).toBe(expected);
});

describe('events of a dump', () => {
  const body = 'do update t set a = " ON COMPLETION PRESERVE ENABLE "';
  const event = (name: string, state: string) =>
    `/*!50106 CREATE*/ /*!50117 DEFINER=\`root\`@\`%\`*/ /*!50106 EVENT \`${name}\` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 00:00:00' ON COMPLETION NOT PRESERVE ${state} COMMENT 'x' ${body} */ ;;`;
  const dump = [
    'DELIMITER ;;',
    event('on', 'ENABLE'),
    event('not at the start', 'ENABLE'),
    'DELIMITER ;',
    'DELIMITER ;;',
    event('off', 'DISABLE'),
    'DELIMITER ;',
  ];

  test('are made disabled, and what they do stays as it is', () => {
    expect(awk('events', dump, { WHAT: 'disabled' })).toEqual([dump[0], event('on', 'DISABLE'), ...dump.slice(2)]);
  });

  test('are enabled again, those that were', () => {
    expect(awk('events', dump, { WHAT: 'enabling' })).toEqual(['alter DEFINER=`root`@`%` event `on` enable;']);
  });
});

test('a server without keys, directories and tablespaces of production takes the tables', () => {
  expect(
    awk('scratch', [
      "  `a` int COMMENT ' `encrypted`=yes'",
      ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 `encrypted`=yes `ENCRYPTION_KEY_ID`=2 COMMENT='kept';",
      ") /*!50100 TABLESPACE `fast` */ ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 /*!80016 ENCRYPTION='Y' */;",
      ") ENGINE=InnoDB DATA DIRECTORY='/mnt/fast/';",
      " PARTITION p1 VALUES LESS THAN (2) DATA DIRECTORY = '/mnt/fast' ENGINE = InnoDB)",
    ]),
  ).toEqual([
    "  `a` int COMMENT ' `encrypted`=yes'",
    ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='kept';",
    ') ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;',
    ') ENGINE=InnoDB;',
    ' PARTITION p1 VALUES LESS THAN (2) ENGINE = InnoDB)',
  ]);
});

test('foreign keys into databases of the same restore mean those that are restored, and no others', () => {
  const directory = mkdtempSync(join(tmpdir(), 'beside-'));
  writeFileSync(join(directory, 'targets'), 'core\trestore_1\nodd`one\trestore_2\n');
  const key = (of: string) => `  CONSTRAINT \`k\` FOREIGN KEY (\`a\`) REFERENCES ${of} (\`id\`) ON DELETE CASCADE,`;
  const dump = [key('`core`.`users`'), key('`odd``one`.`t`'), key('`other`.`users`'), key('`users`'), '(1,"  CONSTRAINT"),'];
  try {
    expect(awk('beside', dump, { TARGETS: join(directory, 'targets'), ABSENT: '/dev/null' })).toEqual([
      key('`restore_1`.`users`'),
      key('`restore_2`.`t`'),
      ...dump.slice(2),
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('sequences of the same restore are those that are restored, and a place that is not there is not asked for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'beside-'));
  writeFileSync(join(directory, 'targets'), 'core\trestore_1\n');
  writeFileSync(join(directory, 'absent'), "tablespace\t`fast`\ndirectory\t'/mnt/gone'\n");
  const statement = (sequence: string, places: string[]) => [
    'CREATE TABLE `t` (',
    `  \`a\` bigint DEFAULT (nextval(${sequence}.\`s\`) + lastval(\`other\`.\`s\`)),`,
    `) ${places[0]}ENGINE=InnoDB${places[1]}`,
    `(PARTITION p VALUES LESS THAN (2)${places[1]} ENGINE = InnoDB);`,
    "(1,' DATA DIRECTORY = ''/mnt/gone''');",
  ];
  try {
    expect(
      awk('beside', statement('`core`', ['/*!50100 TABLESPACE `fast` */ ', " DATA DIRECTORY = '/mnt/gone'"]), {
        TARGETS: join(directory, 'targets'),
        ABSENT: join(directory, 'absent'),
      }),
    ).toEqual(statement('`restore_1`', ['/*!50100 */ ', '']));
    const there = statement('`odd`', ['/*!50100 TABLESPACE `slow` */ ', " DATA DIRECTORY = '/mnt/here'"]);
    expect(awk('beside', there, { TARGETS: join(directory, 'targets'), ABSENT: join(directory, 'absent') })).toEqual(there);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the views of a dump and what stands in for them come apart', () => {
  const dump = [
    '/*!40101 SET NAMES utf8mb4 */;',
    '-- Temporary table structure for view `v`',
    '/*!50001 CREATE VIEW `v` AS SELECT 1 AS `x`*/;',
    '-- Final view structure for view `v`',
    '/*!50001 VIEW `v` AS select `w`.`x` from `other`.`w` */;',
    '/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;',
    '-- Dump completed',
  ];
  const but = (from: number) => dump.filter((_, line) => line !== from && line !== from + 1);
  expect(awk('views', dump, { WHAT: 'stand-ins' })).toEqual(but(3));
  expect(awk('views', dump, { WHAT: 'views' })).toEqual(but(1));
});

test('how much is summed up is said in bytes', () => {
  const of = chart();
  backup(of, { engine: mariadb({ checksums: Size.mebibytes(3) }) });
  expect(environment(objects(of)['CronJob/orders-backup'])).toMatchObject({ CHECKSUMS: '3145728' });
});
