import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { Engine, type MariadbEngineOptions, MariadbVersion, MysqlTls, MysqlVersion, SecretRef } from '../../lib';
import { backup, chart, container, environment, objects, podSpec } from '../support/synth';

const mariadb = (different: Partial<MariadbEngineOptions> = {}) => Engine.mariadb({ version: MariadbVersion.V11_8, ...different });

describe('options that cannot stand', () => {
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
  expect(JSON.stringify(of.node.findAll().flatMap(each => each.node.metadata))).toContain('MySQL 8.0 gets no security fixes');
});

test('a certificate goes to the jobs that talk to the server, and to no other', () => {
  const of = chart();
  const made = backup(of, { engine: mariadb({ tls: MysqlTls.verified(SecretRef.named('ca').key('ca.crt')) }) });
  made.verify();
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
    const through = execFileSync('awk', ['-f', 'lib/engines/mysql/facts.awk'], {
      input: `${[...dump, '-- Dump completed'].join('\n')}\n`,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, LC_ALL: 'C', PART: part, NAME: name, NOTES: notes, POSITION: join(directory, 'position') },
    });
    return { through, notes: readFileSync(notes, 'utf8').trim().split('\n').sort() };
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
        '  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `t` (`a`)',
        ') ENGINE=InnoDB;',
      ]),
    ).toEqual({
      through: expect.stringContaining('  `a` int NOT NULL DEFAULT nextval(`s`),'),
      notes: ['columns\t\t1', 'foreign-keys\t\t1', 'indexes\t\t2', 'sequences\t\t1', 'tables\t\t1'],
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

  test('a dump without its end is none', () => {
    expect(() =>
      execFileSync('awk', ['-f', 'lib/engines/mysql/facts.awk'], { input: 'CREATE', env: { ...process.env, PART: 'tables' } }),
    ).toThrow();
  });
});
